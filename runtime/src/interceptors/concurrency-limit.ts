/**
 * @packageDocumentation Lets only so many calls run at a time, and finds out how many are good: an adaptive limit.
 *
 * The limit grows by addition and shrinks by multiplication (AIMD: Chiu and Jain, "Analysis of the Increase and Decrease
 * Algorithms for Congestion Avoidance", 1989; TCP's congestion avoidance, RFC 5681 section 3.1): about one more for each
 * full limit of calls that went well, a tenth less when a call shows overload, and that once for all calls that ran at
 * the time. The other candidate, a gradient of latencies (Netflix' concurrency-limits), takes slow for overloaded: a
 * service whose methods differ in length, and any that streams, has no one latency to compare with. What overload is,
 * a status says without guessing, and several clients of one server come to share it fairly.
 */
import { onAbort } from "../abort.js";
import { type Clock, systemClock } from "../clock.js";
import type { Call, Interceptor } from "../contract.js";
import { RpcError } from "../error.js";
import { checkNumber } from "../number-option.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { watchCall } from "../watched-call.js";

export interface ConcurrencyLimitOptions {
  /** The limit to begin with. Default 20. */
  readonly initialLimit?: number | undefined;
  /** It shrinks no further; at least 1. Default 1. */
  readonly minLimit?: number | undefined;
  /** It grows no further. Default 1000. */
  readonly maxLimit?: number | undefined;
  /** What is left of the limit after a sign of overload: at least 0.5, below 1. Default 0.9. */
  readonly backoffRatio?: number | undefined;
  /** Statuses that are signs of overload. Default DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED and UNAVAILABLE. */
  readonly overloadCodes?: readonly Code[] | undefined;
  /** A unary call that takes more milliseconds is a sign of overload, however it ends. Default: none is. */
  readonly slowMs?: number | undefined;
  /** Calls that may wait for one of those that run to end. Default 0: beyond the limit calls are refused at once. */
  readonly queueSize?: number | undefined;
  /** Milliseconds that a call may wait; its deadline counts as well. Default 1000. */
  readonly maxQueueMs?: number | undefined;
  /** What a refused call fails with: RESOURCE_EXHAUSTED (default), or UNAVAILABLE, which most retry policies retry. */
  readonly code?: typeof Code.RESOURCE_EXHAUSTED | typeof Code.UNAVAILABLE | undefined;
  /** @internal */
  readonly clock?: Clock | undefined;
}

/** What a limit is doing. */
export interface ConcurrencySnapshot {
  /** Calls that may run at a time, now. */
  readonly limit: number;
  /** Calls that run. On a server a call runs until its implementation has ended, even if its caller has gone. */
  readonly running: number;
  /** Calls that wait. */
  readonly waiting: number;
  /** Calls refused so far. */
  readonly refused: number;
}

/** An interceptor that tells what its limit is. */
export interface ConcurrencyLimiter extends Interceptor {
  snapshot(): ConcurrencySnapshot;
}

/**
 * Limits the calls that run at a time, over all that this one interceptor is given to: a channel's, a server's. Put it
 * outside of what may wait or fail for other reasons, such as a rate limit.
 *
 * @throws RpcError INVALID_ARGUMENT for an option out of its range; it names the option
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions = {}): ConcurrencyLimiter {
  const gate = new Gate(options);
  const { slowMs = Number.POSITIVE_INFINITY, clock = systemClock } = options;
  checkNumber("slowMs", slowMs, { above: 0 });
  const interceptor: Interceptor = (next) => (call) => {
    const run = () => {
      const startedAt = clock.now();
      const ticket = gate.ticket();
      const ended = (status: Status) => {
        const slow = call.method.kind === "unary" && clock.now() - startedAt > slowMs;
        gate.leave(ticket, status.code, slow);
      };
      return watchCall(call, next, { ended });
    };
    if (gate.enter()) return run();
    const waiting = gate.wait(call);
    return waiting === undefined ? Reply.fail(gate.refuse(call)) : waiting.then(run);
  };
  return Object.assign(interceptor, { snapshot: () => gate.snapshot() });
}

class Gate {
  readonly #min: number;
  readonly #max: number;
  readonly #backoffRatio: number;
  readonly #overload: ReadonlySet<Code>;
  readonly #queueSize: number;
  readonly #maxQueueMs: number;
  readonly #code: Code;
  readonly #clock: Clock;
  /** A fraction grows towards the next whole call. */
  #limit: number;
  #running = 0;
  #refused = 0;
  /** In the order in which they came: each lets its call run. */
  readonly #queue = new Set<() => void>();
  #tickets = 0;
  /** The last ticket that was out when the limit shrank: what those calls tell of overload is known already. */
  #shrunkAt = 0;

  constructor(options: ConcurrencyLimitOptions) {
    this.#min = checkNumber("minLimit", options.minLimit ?? 1, { atLeast: 1, whole: true });
    this.#max = checkNumber("maxLimit", options.maxLimit ?? 1000, { atLeast: this.#min, whole: true });
    const initialLimit = options.initialLimit ?? Math.min(Math.max(20, this.#min), this.#max);
    this.#limit = checkNumber("initialLimit", initialLimit, { atLeast: this.#min, atMost: this.#max, whole: true });
    this.#backoffRatio = checkNumber("backoffRatio", options.backoffRatio ?? 0.9, { atLeast: 0.5, below: 1 });
    this.#queueSize = checkNumber("queueSize", options.queueSize ?? 0, { atLeast: 0, whole: true });
    this.#maxQueueMs = checkNumber("maxQueueMs", options.maxQueueMs ?? 1000, { above: 0 });
    this.#overload = new Set(
      options.overloadCodes ?? [Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE],
    );
    this.#code = options.code ?? Code.RESOURCE_EXHAUSTED;
    this.#clock = options.clock ?? systemClock;
  }

  enter(): boolean {
    if (this.#running >= Math.floor(this.#limit)) return false;
    this.#running++;
    return true;
  }

  ticket(): number {
    return ++this.#tickets;
  }

  /** Resolves when the call may run; undefined where there is no room to wait. */
  wait(call: Call): Promise<void> | undefined {
    if (this.#queue.size >= this.#queueSize) return undefined;
    const signal = call.signal ?? call.server?.signal;
    return new Promise((resolve, reject) => {
      const leaveQueue = () => {
        this.#queue.delete(run);
        stopTimer();
        stopWatching?.();
      };
      const run = () => {
        leaveQueue();
        resolve();
      };
      const cancel = () => {
        leaveQueue();
        const cause = signal?.reason;
        reject(new RpcError(Code.CANCELLED, "the call was cancelled while it waited for others to end", { cause }));
      };
      const stopTimer = this.#clock.after(Math.min(this.#maxQueueMs, call.timeLeftMs()), () => {
        leaveQueue();
        reject(this.refuse(call));
      });
      this.#queue.add(run);
      const stopWatching = signal === undefined ? undefined : onAbort(signal, cancel);
      if (signal?.aborted) cancel();
    });
  }

  leave(ticket: number, code: Code, slow: boolean): void {
    if (slow || this.#overload.has(code)) this.#shrink(ticket);
    // A limit that is not used has not been shown to be good.
    else if (code !== Code.CANCELLED && this.#running * 2 >= Math.floor(this.#limit)) {
      this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
    }
    this.#running--;
    for (const run of this.#queue) {
      if (!this.enter()) break;
      run();
    }
  }

  refuse(call: Call): RpcError {
    this.#refused++;
    const details = `${this.#running} calls are running, and the concurrency limit is ${Math.floor(this.#limit)}`;
    return new RpcError(this.#code, details, { method: call.method.path });
  }

  snapshot(): ConcurrencySnapshot {
    return {
      limit: Math.floor(this.#limit),
      running: this.#running,
      waiting: this.#queue.size,
      refused: this.#refused,
    };
  }

  #shrink(ticket: number): void {
    if (ticket <= this.#shrunkAt) return;
    this.#shrunkAt = this.#tickets;
    this.#limit = Math.max(this.#min, this.#limit * this.#backoffRatio);
  }
}
