/** Waits that share a timer: each ends in time, and none before it. */
import { jest } from "@jest/globals";
import { longWaits } from "../../runtime/src/long-waits.js";
import type { Expiring } from "../../runtime/src/timing-wheel.js";

class Wait implements Expiring {
  bucket: Expiring["bucket"] = undefined;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  readonly beganAt: number = performance.now();
  tookMs: number | undefined;

  constructor(millis: number) {
    longWaits.add(this, this.beganAt + millis, this.beganAt);
  }

  onDeadline(): void {
    this.tookMs = performance.now() - this.beganAt;
  }
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test.each([1, 50, 999, 20_000, 300_000, 7_200_000])("a wait of %d ms ends with it, or a 64th of it later", (millis) => {
  const wait = new Wait(millis);
  jest.advanceTimersByTime(millis - 1);
  expect(wait.tookMs).toBeUndefined();
  jest.advanceTimersByTime(millis / 64 + 2);
  expect(wait.tookMs).toBeGreaterThanOrEqual(millis);
});

test("each of many ends in its time, whichever began first, and one that was taken back does not", () => {
  const waits = [90_000, 10, 5000, 10, 300_000].map((millis) => new Wait(millis));
  longWaits.remove(waits[2]!);
  jest.advanceTimersByTime(100_000);
  expect(waits.map(({ tookMs }) => tookMs !== undefined)).toEqual([true, true, false, true, false]);
  longWaits.remove(waits[4]!);
  jest.advanceTimersByTime(400_000);
  expect(waits[4]!.tookMs).toBeUndefined();
});
