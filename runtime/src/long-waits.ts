import { TimingWheel } from "./timing-wheel.js";

/** A wait is met to this part of it: what closes idle connections, or pings silent ones, need not be more in time. */
const precision = 1 / 64;

/** The waits of connections to which nothing may happen for minutes or hours: a process may have thousands of them. */
export const longWaits: TimingWheel = new TimingWheel({
  tickOf: (leftMs) => 2 ** Math.max(0, Math.floor(Math.log2(leftMs * precision))),
  longestWaitMs: 60_000,
});
