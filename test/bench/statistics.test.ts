import { knee, median, quantile, ratio, spread } from "../../bench/measure/statistics.js";

test("quantiles lie between samples", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([10, 20, 30, 40, 50], 0.25)).toBe(20);
  expect(quantile([1, 2], 1)).toBe(2);
  expect(median([])).toBeNaN();
});

test("the spread is that of the middle half: an outlier does not widen it", () => {
  expect(spread([98, 99, 100, 101, 102])).toBeCloseTo(0.02);
  expect(spread([98, 99, 100, 101, 10_000])).toBeCloseTo(0.02);
  expect(spread([5])).toBe(0);
});

test("a ratio is taken turn by turn, so that a drift of the machine cancels out", () => {
  const baseline = [100, 50, 25];
  expect(ratio([200, 100, 50], baseline)).toBe(2);
  expect(ratio([200, 100, 49], baseline)).toBe(2);
  expect(ratio([200], baseline)).toBe(4);
});

test("the knee is where more callers bring hardly more", () => {
  // One server of 1,000 calls/s behind 10 ms of way: from 10 callers on they only wait.
  const curve = [1, 2, 5, 10, 20, 50].map((callers) => ({ callers, throughput: Math.min(1000, callers * 100) }));
  expect(knee(curve)).toBe(10);
  expect(knee([{ callers: 1, throughput: 95 }, ...curve.map((one) => ({ ...one, throughput: 100 }))])).toBe(1);
});
