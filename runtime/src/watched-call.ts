import type { Call, MessageSource, Next } from "./contract.js";
import { RpcError } from "./error.js";
import type { Metadata } from "./metadata.js";
import { Reply } from "./reply.js";
import { Code, type Status } from "./status.js";
import { steppedMessages } from "./stepped-messages.js";

/** What an interceptor that only looks on hears of a call, on either side and of every kind. */
export interface CallWatch {
  /** A message goes to the other end: a request of a client, a response of a server. */
  readonly sent?: (message: unknown) => void;
  /** A message has come from the other end. */
  readonly received?: (message: unknown) => void;
  /**
   * Once, after the last response and before the caller hears of it. At a server: the implementation has ended, be it
   * after its caller had gone.
   *
   * @param thrown what whoever reads the responses gets thrown, where that is known
   */
  readonly ended: (status: Status, thrown?: unknown) => void;
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
  let reply: Reply;
  try {
    reply = next(call);
  } catch (error) {
    reply = Reply.fail(error);
  }
  return new WatchedReply(reply, call, onResponse, watch);
}

/** What an implementation answers to a call that is over already reaches nobody: its caller heard why it is over. */
function outcome({ server }: Call, status: Status): Status {
  let heard = status;
  server?.onEnd((end) => {
    heard = end;
  });
  return heard.code === status.code ? status : heard;
}

function tap(source: MessageSource<unknown>, onMessage: (message: unknown) => void): AsyncIterable<unknown> {
  return steppedMessages(source, async (next) => {
    const result = await next();
    if (result.done !== true) onMessage(result.value);
    return result;
  });
}

class WatchedReply extends Reply {
  readonly status: Promise<Status>;
  readonly #reply: Reply;
  readonly #onMessage: ((message: unknown) => void) | undefined;
  readonly #end: (status: Status, thrown?: unknown) => void;
  readonly #within: <T>(step: () => T) => T;
  readonly #streams: boolean;
  #ended = false;
  /** The reader of the stream leaves, and what makes it may take its time to end. */
  #leaving = false;
  #message: Promise<unknown> | undefined;
  #iterator: AsyncIterator<unknown> | undefined;
  /** What has been taken before it was asked for. */
  #ahead: Promise<IteratorResult<unknown>>[] = [];

  constructor(reply: Reply, call: Call, onMessage: ((message: unknown) => void) | undefined, watch: CallWatch) {
    super();
    this.#reply = reply;
    this.#onMessage = onMessage;
    this.#within = watch.within ?? ((step) => step());
    this.#streams = call.method.kind === "serverStream" || call.method.kind === "bidiStream";
    let settle!: (status: Status) => void;
    this.status = new Promise((resolve) => {
      settle = resolve;
    });
    this.#end = (status, thrown) => {
      if (this.#ended) return;
      this.#ended = true;
      settle(status);
      watch.ended(outcome(call, status), thrown);
    };
    void reply.status.then((status) => {
      if (this.#ended || this.#leaving) return;
      if (onMessage === undefined) this.#end(status);
      else this.#readOn().catch(() => {}); // Whoever reads gets the same.
    });
  }

  override get hasOneResponse(): boolean {
    return !this.#streams;
  }

  /** Whoever finds no headers reads nothing else. */
  get headers(): Promise<Metadata> {
    return this.#reply.headers.catch(this.#fail);
  }

  get message(): Promise<unknown> {
    if (this.#streams) return Reply.stream(this.messages).message;
    if (this.#message === undefined) {
      this.#message = this.#readMessage();
      this.#message.catch(() => {}); // It may be that only the status is read.
    }
    return this.#message;
  }

  /** No generator: one that is left before its first step would tell neither its source nor us. */
  get messages(): AsyncIterable<unknown> {
    if (!this.#streams) return Reply.of(this.message).messages;
    const next = () => this.#ahead.shift() ?? this.#take();
    return { [Symbol.asyncIterator]: () => ({ next, return: () => this.#leave() }) };
  }

  async #readMessage(): Promise<unknown> {
    try {
      const message = await this.#reply.message;
      this.#onMessage?.(message);
      this.#end(await this.#reply.status);
      return message;
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #take(): Promise<IteratorResult<unknown>> {
    try {
      const result = await this.#step(async (messages) => messages.next());
      if (result.done === true) this.#end(await this.#reply.status);
      else this.#onMessage?.(result.value);
      return result;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** A call that is over has brought what it brings, a few messages at most: they are told without waiting for a reader. */
  async #readOn(): Promise<void> {
    if (!this.#streams) await this.message;
    while (!this.#ended) {
      const result = this.#take();
      this.#ahead.push(result);
      await result;
    }
  }

  async #leave(): Promise<IteratorResult<unknown>> {
    this.#leaving = true;
    this.#ahead = [];
    try {
      await this.#step(async (messages) => messages.return?.());
    } finally {
      this.#end(new RpcError(Code.CANCELLED, "the response stream was left early").toStatus());
    }
    return { done: true, value: undefined };
  }

  #step<T>(take: (messages: AsyncIterator<unknown>) => T): T {
    return this.#within(() => {
      this.#iterator ??= this.#reply.messages[Symbol.asyncIterator]();
      return take(this.#iterator);
    });
  }

  readonly #fail = (error: unknown): never => {
    this.#end(RpcError.from(error).toStatus(), error);
    throw error;
  };
}
