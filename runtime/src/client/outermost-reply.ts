import type { CallOptions } from "../contract.js";
import { RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import type { Status } from "../status.js";
import { steppedMessages } from "../stepped-messages.js";
import { TimeLimit } from "../time-limit.js";
import { ClientCall, hookError } from "./client-call.js";
import type { OutgoingCall } from "./outgoing-call.js";

/**
 * Makes of what the outermost interceptor returned what the caller may rely on: every failure is an RpcError, the call
 * keeps its deadline and its signal even while an async interceptor waits for something else, and the caller's hooks
 * hear once of what the caller gets, however many calls were made for it.
 */
export function outermostReply(reply: Reply, call: OutgoingCall): Reply {
  const hooks = hooked(call.options);
  if (reply instanceof ClientCall && !hooks) return reply;
  // A call on the wire keeps deadline and signal itself.
  const limit = reply instanceof ClientCall ? undefined : TimeLimit.of(call, () => call.onWire?.status);
  const checked = new CheckedReply(reply, limit);
  return hooks ? new HookedReply(checked, call) : checked;
}

/** Whether the caller wants to hear of headers or trailers. */
export function hooked(options: CallOptions | undefined): boolean {
  return options?.onHeaders !== undefined || options?.onTrailers !== undefined;
}

class CheckedReply extends Reply {
  readonly #reply: Reply;
  readonly #limit: TimeLimit | undefined;

  constructor(reply: Reply, limit: TimeLimit | undefined) {
    super();
    this.#reply = reply;
    this.#limit = limit;
  }

  override get hasOneResponse(): boolean | Promise<boolean> {
    return this.#reply.hasOneResponse;
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers;
  }

  get message(): Promise<unknown> {
    const message = this.#inTime(this.#reply.message);
    return (this.#limit === undefined ? message : message.finally(this.#limit.stop)).catch(rethrow);
  }

  get messages(): AsyncIterable<unknown> {
    const stop = () => this.#limit?.stop();
    return steppedMessages(
      this.#reply.messages,
      async (next) => {
        try {
          const result = await this.#inTime(next());
          if (result.done === true) stop();
          return result;
        } catch (error) {
          stop();
          return rethrow(error);
        }
      },
      stop,
    );
  }

  get status(): Promise<Status> {
    return this.#inTime(this.#reply.status).catch((error) => RpcError.from(error).toStatus());
  }

  #inTime<T>(promise: Promise<T>): Promise<T> {
    return this.#limit === undefined ? promise : this.#limit.inTime(promise);
  }
}

/** Tells the caller's hooks; its end is theirs to hear before the caller does. */
class HookedReply extends Reply {
  readonly #reply: Reply;
  readonly #call: OutgoingCall;
  /** When they have heard of the end. */
  readonly #told: Promise<void>;
  /** What one of them threw. */
  #error: RpcError | undefined;

  constructor(reply: Reply, call: OutgoingCall) {
    super();
    this.#reply = reply;
    this.#call = call;
    const { onHeaders, onTrailers } = call.options ?? {};
    const headersTold = reply.headers.then(
      (headers) => {
        // A call that ends without headers has none to tell of.
        if (headers.size > 0 || call.onWire?.hasHeaders) this.#tell("onHeaders", () => onHeaders?.(headers));
      },
      () => {},
    );
    this.#told = Promise.all([reply.status, headersTold]).then(([{ metadata }]) =>
      this.#tell("onTrailers", () => onTrailers?.(metadata)),
    );
  }

  override get hasOneResponse(): boolean | Promise<boolean> {
    return this.#reply.hasOneResponse;
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers;
  }

  get message(): Promise<unknown> {
    return this.#afterHooks(this.#reply.message);
  }

  get messages(): AsyncIterable<unknown> {
    return steppedMessages(this.#reply.messages, async (next) => {
      const result = await next().catch((error) => this.#afterHooks(Promise.reject(error)));
      return result.done === true ? this.#afterHooks(Promise.resolve(result)) : result;
    });
  }

  get status(): Promise<Status> {
    return this.#reply.status;
  }

  async #afterHooks<T>(outcome: Promise<T>): Promise<T> {
    await Promise.allSettled([outcome]);
    await this.#told;
    if (this.#error !== undefined) throw this.#error;
    return outcome;
  }

  #tell(hook: string, tell: () => void): void {
    try {
      tell();
    } catch (thrown) {
      this.#error ??= hookError(hook, thrown);
      this.#call.onWire?.cancel(this.#error);
    }
  }
}

function rethrow(error: unknown): never {
  throw RpcError.from(error);
}
