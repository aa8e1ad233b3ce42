import type { Call, MessageSource, Next } from "./contract.js";
import { RpcError } from "./error.js";
import type { Metadata } from "./metadata.js";
import { toAsyncIterable } from "./pump.js";
import { Reply } from "./reply.js";
import { Code, type Status } from "./status.js";
import { steppedMessages } from "./stepped-messages.js";

/** What an interceptor that only looks on hears of a call, on either side and of every kind. */
export interface CallWatch {
  /** A message goes to the other end: a request of a client, a response of a server. */
  readonly sent?: (message: unknown) => void;
  /** A message has come from the other end. */
  readonly received?: (message: unknown) => void;
  /** Once, before the caller hears of it. At a server: the implementation has ended. */
  readonly ended: (status: Status) => void;
  /** Runs each step of the response stream: a generator's body runs where its next message is asked for. */
  readonly within?: <T>(step: () => T) => T;
}

/** Calls on, and tells `watch` what comes of it. */
export function watchCall(call: Call, next: Next, watch: CallWatch): Reply {
  const [onRequest, onResponse] = call.side === "client" ? [watch.sent, watch.received] : [watch.received, watch.sent];
  if (onRequest !== undefined) {
    const { kind } = call.method;
    if (call.requests !== undefined) call.requests = tap(call.requests, onRequest);
    else if (kind === "unary" || kind === "serverStream") onRequest(call.request);
  }
  const ended = (status: Status) => watch.ended(outcome(call, status));
  let reply: Reply;
  try {
    reply = next(call);
  } catch (error) {
    reply = Reply.fail(error);
  }
  return new WatchedReply(reply, onResponse, ended, watch.within);
}

/** What an implementation answers to a call that is over already reaches nobody. */
function outcome(call: Call, status: Status): Status {
  if (status.code !== Code.OK || call.server === undefined) return status;
  const { signal } = call.server;
  return signal.aborted ? RpcError.from(signal.reason).toStatus() : status;
}

function tap(source: MessageSource<unknown>, onMessage: (message: unknown) => void): AsyncIterable<unknown> {
  return steppedMessages(toAsyncIterable(source), async (next) => {
    const result = await next();
    if (result.done !== true) onMessage(result.value);
    return result;
  });
}

class WatchedReply extends Reply {
  readonly status: Promise<Status>;
  readonly #reply: Reply;
  readonly #onMessage: ((message: unknown) => void) | undefined;
  readonly #end: (status: Status) => void;
  readonly #within: <T>(step: () => T) => T;
  #message: Promise<unknown> | undefined;

  constructor(
    reply: Reply,
    onMessage: ((message: unknown) => void) | undefined,
    onEnd: (status: Status) => void,
    within: (<T>(step: () => T) => T) | undefined,
  ) {
    super();
    this.#reply = reply;
    this.#onMessage = onMessage;
    this.#within = within ?? ((step) => step());
    let settle!: (status: Status) => void;
    this.status = new Promise((resolve) => {
      settle = resolve;
    });
    let ended = false;
    this.#end = (status) => {
      if (ended) return;
      ended = true;
      settle(status);
      onEnd(status);
    };
    reply.status.then(this.#end);
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers;
  }

  get message(): Promise<unknown> {
    this.#message ??= this.#readMessage();
    return this.#message;
  }

  async #readMessage(): Promise<unknown> {
    const message = await this.#reply.message.catch(this.#fail);
    this.#onMessage?.(message);
    this.#end(await this.#reply.status);
    return message;
  }

  /** No generator: one that is left before its first step would tell neither its source nor us. */
  get messages(): AsyncIterable<unknown> {
    return {
      [Symbol.asyncIterator]: () => {
        let iterator: AsyncIterator<unknown> | undefined;
        const step = <T>(take: (iterator: AsyncIterator<unknown>) => T): T =>
          this.#within(() => {
            iterator ??= this.#reply.messages[Symbol.asyncIterator]();
            return take(iterator);
          });
        return {
          next: async () => {
            const result = await step(async (messages) => messages.next()).catch(this.#fail);
            if (result.done === true) this.#end(await this.#reply.status);
            else this.#onMessage?.(result.value);
            return result;
          },
          return: async () => {
            await step(async (messages) => messages.return?.());
            this.#end(new RpcError(Code.CANCELLED, "the response stream was left early").toStatus());
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  readonly #fail = (error: unknown): never => {
    this.#end(RpcError.from(error).toStatus());
    throw error;
  };
}
