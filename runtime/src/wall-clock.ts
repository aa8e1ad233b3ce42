/** Milliseconds by which a clock has to be off to have been set: it is read in whole ones, and corrected in small steps. */
const setByMs = 5;

let offset = Date.now() - performance.now();

/**
 * Milliseconds since the epoch of a monotonic time that has passed: the same whenever it is asked, unless the clock of the
 * machine was set in between, or the machine was suspended.
 */
export function wallClockOf(at: number): number {
  const before = performance.now();
  const wallClock = Date.now();
  const after = performance.now();
  // The process may have stood still in between: that is no clock that was set.
  if (offset < wallClock - after - setByMs || offset > wallClock - before + setByMs) offset = wallClock - after;
  return Math.round(offset + at);
}
