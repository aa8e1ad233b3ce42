/** Milliseconds by which a clock has to be off to have been set: less is what reading it costs. */
const setByMs = 5;

let offset = Date.now() - performance.now();

/**
 * Milliseconds since the epoch of a monotonic time that has passed: the same whenever it is asked, unless the clock of the
 * machine was set in between, or the machine was suspended.
 */
export function wallClockOf(at: number): number {
  const now = Date.now() - performance.now();
  if (Math.abs(now - offset) > setByMs) offset = now;
  return Math.round(offset + at);
}
