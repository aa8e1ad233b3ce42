import { types } from "node:util";
import type { CallOptions, MethodDefaults } from "./contract.js";
import { describe, misuse } from "./error.js";

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
export const longestTimerMs: number = 2 ** 31 - 1;

/** Calls `onTime` at `deadline`. Returns what takes that back: no timer outlives its call. */
export function atDeadline(deadline: number, onTime: () => void): () => void {
  const leftMs = deadline - performance.now();
  if (leftMs > longestTimerMs) return () => {};
  const timer = setTimeout(onTime, Math.max(leftMs, 0));
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

/** What a channel adds to the deadlines of its calls. */
export interface DeadlineDefaults {
  /** Milliseconds that a call may take. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that a call leaves of its parent's time. */
  readonly marginMs?: number | undefined;
}

/**
 * The earliest of what the call, its method, its channel and its parent say. A time in the past is a deadline like any
 * other: the call fails with DEADLINE_EXCEEDED before anything is sent.
 *
 * @throws RpcError INVALID_ARGUMENT for an option of the call that is no time; it names the option
 */
export function earliestDeadline(
  options: CallOptions | undefined,
  method: MethodDefaults,
  channel: DeadlineDefaults = {},
): number {
  let deadline = noDeadline;
  const within = (ms: number) => {
    deadline = Math.min(deadline, performance.now() + ms);
  };
  if (method.timeoutMs !== undefined) within(method.timeoutMs);
  if (channel.timeoutMs !== undefined) within(channel.timeoutMs);
  if (options === undefined) return deadline;
  const { timeoutMs, marginMs, parent } = options;
  if (timeoutMs !== undefined) within(checkTimeout("timeoutMs", timeoutMs));
  if (options.deadline !== undefined) deadline = Math.min(deadline, fromEpochMs(checkPoint(options.deadline)));
  if (marginMs !== undefined) checkMargin(marginMs);
  if (parent !== undefined && parent !== null) within(parent.timeLeftMs() - (marginMs ?? channel.marginMs ?? 0));
  return deadline;
}

/** Milliseconds, of any sign; not a number is refused with the option's name. */
export function checkTimeout(option: string, ms: number): number {
  if (typeof ms === "number" && !Number.isNaN(ms)) return ms;
  throw misuse(`${option} must be a number of milliseconds, not ${describe(ms)}`);
}

/** A margin as an option gives it. A negative one would outlive the parent, an infinite one would allow no call. */
export function checkMargin(ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const details = `marginMs must be a finite number of milliseconds, at least 0, not ${describe(ms)}`;
  throw misuse(details);
}

/** Milliseconds since the epoch. A string is not read as a date: what that means depends on who reads it. */
export function checkPoint(deadline: Date | number): number {
  const ms = types.isDate(deadline) ? deadline.getTime() : deadline;
  if (typeof ms === "number" && !Number.isNaN(ms)) return ms;
  const given = types.isDate(deadline) ? "an invalid Date" : describe(deadline);
  const details = `deadline must be a Date or a number of milliseconds since the epoch, not ${given}`;
  throw misuse(details);
}
