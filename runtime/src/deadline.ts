import type { CallOptions, MethodDefaults } from "./contract.js";
import { describe, RpcError } from "./error.js";
import { Code } from "./status.js";

/**
 * Deadlines are monotonic milliseconds (`performance.now()`) inside the runtime, so that a wall clock that is set does
 * not end calls; `Infinity` is none. Dates appear only where a user sees them.
 */
export const noDeadline: number = Number.POSITIVE_INFINITY;

/** Milliseconds from now until `deadline`; 0 once it has passed. */
export function timeLeft(deadline: number): number {
  return deadline === noDeadline ? noDeadline : Math.max(0, deadline - performance.now());
}

/** What a timer of Node.js can wait for, 24.8 days: a longer time would fire at once, and is as good as none. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls `onTime` at `deadline`. Returns what takes that back: no timer outlives its call. */
export function atDeadline(deadline: number, onTime: () => void): () => void {
  const leftMs = deadline - performance.now();
  if (leftMs > longestTimerMs) return () => {};
  const timer = setTimeout(onTime, leftMs);
  return () => clearTimeout(timer);
}

/** The deadline as a point of wall-clock time. */
export function toDate(deadline: number): Date | undefined {
  return deadline === noDeadline ? undefined : new Date(toEpochMs(deadline));
}

export function toEpochMs(deadline: number): number {
  return Date.now() + (deadline - performance.now());
}

export function fromEpochMs(epochMs: number): number {
  return epochMs === noDeadline ? noDeadline : performance.now() + (epochMs - Date.now());
}

/**
 * The earliest of what the call, its method, its channel and its parent say. A time in the past is a deadline like any
 * other: the call fails with DEADLINE_EXCEEDED before anything is sent.
 */
export function earliestDeadline(
  options: CallOptions | undefined,
  method: MethodDefaults,
  channelTimeoutMs: number | undefined,
): number {
  let deadline = noDeadline;
  const within = (ms: number) => {
    deadline = Math.min(deadline, performance.now() + ms);
  };
  if (method.timeoutMs !== undefined) within(method.timeoutMs);
  if (channelTimeoutMs !== undefined) within(channelTimeoutMs);
  if (options === undefined) return deadline;
  if (options.timeoutMs !== undefined) within(checkTimeout("timeoutMs", options.timeoutMs));
  if (options.deadline !== undefined) {
    deadline = Math.min(deadline, fromEpochMs(checkTimeout("deadline", Number(options.deadline))));
  }
  if (options.parent !== undefined) within(options.parent.timeLeftMs());
  return deadline;
}

/** Milliseconds, of any sign; not a number is refused with the option's name. */
export function checkTimeout(option: string, ms: number): number {
  if (typeof ms === "number" && !Number.isNaN(ms)) return ms;
  throw new RpcError(Code.INVALID_ARGUMENT, `${option} must be a number of milliseconds, not ${describe(ms)}`);
}
