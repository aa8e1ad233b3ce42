import { longestTimerMs } from "./deadline.js";

/** What tells the time and wakes: tests bring one that they move by hand. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls `onTime` after `ms`. Returns what takes that back: no timer outlives its call. */
  after(ms: number, onTime: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, onTime) {
    if (ms > longestTimerMs) return () => {};
    const timer = setTimeout(onTime, ms);
    return () => clearTimeout(timer);
  },
};
