import { onAbort } from "./abort.js";
import type { Call } from "./contract.js";
import { atDeadline, noDeadline } from "./deadline.js";
import { RpcError } from "./error.js";
import { Code } from "./status.js";

/** Ends what somebody waits for at a call's deadline, and when the call is cancelled. */
export class TimeLimit {
  readonly #waiting = new Set<(error: RpcError) => void>();
  #error: RpcError | undefined;
  /** To be called when there is nothing to wait for any more: no timer outlives its call. */
  readonly stop: () => void;

  /**
   * The limit of what a client's interceptors wait for; undefined where there is none.
   *
   * @param first what is to have ended before: what it says of the end is better known
   */
  static of(call: Call, first?: () => Promise<unknown> | undefined): TimeLimit | undefined {
    const leftMs = call.timeLeftMs();
    // At a server, the call itself keeps both.
    if (call.side === "server" || (leftMs === noDeadline && call.signal === undefined)) return undefined;
    return new TimeLimit(performance.now() + leftMs, call.signal, first);
  }

  private constructor(
    deadline: number,
    signal: AbortSignal | undefined,
    first: (() => Promise<unknown> | undefined) | undefined,
  ) {
    const end = (code: Code, details: string, cause?: unknown) => {
      const tell = () => {
        this.#error = new RpcError(code, details, { cause });
        for (const reject of this.#waiting) reject(this.#error);
      };
      const before = first?.();
      if (before === undefined) tell();
      else void before.then(() => setImmediate(tell));
    };
    const cancel = () => end(Code.CANCELLED, "the call was cancelled by its caller", signal?.reason);
    const stopTimer = atDeadline(deadline, () =>
      end(Code.DEADLINE_EXCEEDED, "the deadline passed inside an interceptor"),
    );
    const stopListening = signal && onAbort(signal, cancel);
    this.stop = () => {
      stopTimer();
      stopListening?.();
    };
    if (signal?.aborted) cancel();
  }

  /** Not `Promise.race`: a promise for the whole call would collect a reaction for every message of a stream. */
  inTime<T>(promise: Promise<T>): Promise<T> {
    if (this.#error !== undefined) {
      promise.catch(() => {});
      return Promise.reject(this.#error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }
}
