import type { CallOptions } from "../contract.js";
import { atDeadline, noDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { DeferredReply, Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { steppedMessages } from "../stepped-messages.js";
import { ClientCall, hookError } from "./client-call.js";
import type { OutgoingCall } from "./outgoing-call.js";

/**
 * Makes of what the outermost interceptor returned what the caller may rely on: every failure is an RpcError, the call
 * keeps its deadline and its signal even while an async interceptor waits for something else, and the caller's hooks
 * hear once of what the caller gets, however many calls were made for it.
 *
 * @param deadline what the caller had set
 */
export function outermostReply(reply: Reply, call: OutgoingCall, deadline: number): Reply {
  const hooks = hooked(call.options);
  if (reply instanceof ClientCall && !hooks) return reply;
  const checked = new CheckedReply(reply instanceof DeferredReply ? limit(reply, deadline, call.signal) : reply);
  return hooks ? new HookedReply(checked, call) : checked;
}

/** Whether the caller wants to hear of headers or trailers. */
export function hooked(options: CallOptions | undefined): boolean {
  return options?.onHeaders !== undefined || options?.onTrailers !== undefined;
}

class CheckedReply extends Reply {
  readonly #reply: Reply;

  constructor(reply: Reply) {
    super();
    this.#reply = reply;
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers;
  }

  get message(): Promise<unknown> {
    return this.#reply.message.catch(rethrow);
  }

  get messages(): AsyncIterable<unknown> {
    return steppedMessages(this.#reply.messages, (next) => next().catch(rethrow));
  }

  get status(): Promise<Status> {
    return this.#reply.status;
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

/** Once the interceptors have called on, the call on the wire keeps deadline and signal itself. */
function limit(reply: DeferredReply<unknown>, deadline: number, signal: AbortSignal | undefined): Reply {
  if (signal === undefined && deadline === noDeadline) return reply;
  return new DeferredReply(
    new Promise((resolve, reject) => {
      const stop = (code: Code, details: string, cause?: unknown) => reject(new RpcError(code, details, { cause }));
      const onAbort = () => stop(Code.CANCELLED, "the call was cancelled by its caller", signal?.reason);
      const onTime = () => stop(Code.DEADLINE_EXCEEDED, "the deadline passed inside an interceptor");
      const stopTimer = atDeadline(deadline, onTime);
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      reply.resolved.then(resolve, reject).finally(() => {
        stopTimer();
        signal?.removeEventListener("abort", onAbort);
      });
    }),
  );
}
