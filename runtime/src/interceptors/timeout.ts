/** `timeout`: no call takes longer than this, whatever deadline it came with. */
import type { Call, Interceptor } from "../contract.js";
import { atDeadline } from "../deadline.js";
import { describe, RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { type Step, steppedMessages } from "../stepped-messages.js";

/** Milliseconds for a call; undefined or `Infinity` leaves it as it is. */
export type TimeoutOf = (call: Call) => number | undefined;

/**
 * Caps the time of calls: a deadline that is earlier stays. It spans whatever is inside of it.
 *
 * On a client the deadline travels to the server. On a server the handler sees the earlier deadline (`deadline`,
 * `timeLeftMs()`, and so calls made with it as `parent`), and its caller gets DEADLINE_EXCEEDED at that time whatever
 * the handler does; then `signal` aborts.
 *
 * @param limit milliseconds, or a function that says how many for a call
 * @throws RpcError INVALID_ARGUMENT, when it is made, for a number that is not positive
 */
export function timeout(limit: number | TimeoutOf): Interceptor {
  const limitOf: TimeoutOf = typeof limit === "function" ? limit : () => limit;
  if (typeof limit !== "function") checkLimit(limit);
  return (next) => (call) => {
    const limitMs = limitOf(call);
    if (limitMs === undefined || checkLimit(limitMs) >= call.timeLeftMs()) return next(call);
    if (call.side === "client") {
      call.deadline = new Date(Date.now() + limitMs);
      return next(call);
    }
    const deadline = performance.now() + limitMs;
    bringForward(call, deadline);
    const reply = next(call);
    return new LimitedReply(reply, call, deadline, `the server takes at most ${limitMs} ms for ${call.method.path}`);
  };
}

function checkLimit(limitMs: unknown): number {
  if (typeof limitMs === "number" && limitMs > 0) return limitMs;
  const was = describe(limitMs);
  throw new RpcError(Code.INVALID_ARGUMENT, `timeout(): a positive number of milliseconds is wanted, not ${was}`);
}

/**
 * The deadline of a server's call is what its caller sent, and not to be set. The handler gets the same object as the
 * interceptors, and a copy of it would not be known to what looks calls up by identity: so the two members that tell
 * the time are put before those of its class.
 */
function bringForward(call: Call, deadline: number): void {
  const date = new Date(Date.now() + (deadline - performance.now()));
  Object.defineProperties(call, {
    deadline: { value: date, configurable: true, enumerable: true },
    timeLeftMs: { value: () => Math.max(0, deadline - performance.now()), configurable: true },
  });
}

/** A reply that fails when its time is up, even if what it stands for never ends. */
class LimitedReply<Res> extends Reply<Res> {
  readonly #reply: Reply<Res>;
  /** Told when the time is up: by one reader at a time for messages, and by each reader of the rest. */
  readonly #waiting = new Set<(error: RpcError) => void>();
  readonly #stop: () => void;
  #expired: RpcError | undefined;
  #status: Promise<Status> | undefined;

  constructor(reply: Reply<Res>, call: Call, deadline: number, details: string) {
    super();
    this.#reply = reply;
    const stopTimer = atDeadline(deadline, () => {
      this.#expired = new RpcError(Code.DEADLINE_EXCEEDED, details);
      for (const expire of this.#waiting) expire(this.#expired);
    });
    const signal = call.server?.signal;
    signal?.addEventListener("abort", stopTimer);
    this.#stop = () => {
      stopTimer();
      signal?.removeEventListener("abort", stopTimer);
    };
  }

  get headers(): Promise<Metadata> {
    return this.#inTime(this.#reply.headers);
  }

  get message(): Promise<Res> {
    return this.#inTime(this.#reply.message).finally(this.#stop);
  }

  get messages(): AsyncIterable<Res> {
    const step: Step<Res> = async (next) => {
      try {
        const result = await this.#inTime(next());
        if (result.done === true) this.#stop();
        return result;
      } catch (error) {
        this.#stop();
        throw error;
      }
    };
    return steppedMessages(this.#reply.messages, step, this.#stop);
  }

  get status(): Promise<Status> {
    this.#status ??= this.#inTime(this.#reply.status).catch((error) => RpcError.from(error).toStatus());
    return this.#status;
  }

  /** Not `Promise.race`: a promise for the whole call would collect a reaction for every message of a stream. */
  #inTime<T>(promise: Promise<T>): Promise<T> {
    if (this.#expired !== undefined) {
      promise.catch(() => {});
      return Promise.reject(this.#expired);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }
}
