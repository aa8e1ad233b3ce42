import { TimingWheel } from "../../timing-wheel.js";

export type { Bucket, Expiring } from "../../timing-wheel.js";

/** Milliseconds: deadlines that are near are met to one, others to a few. */
const fineMs = 1;
const coarseMs = 16;
const nearMs = 1000;

/** The deadlines of all calls of a process. Its timer does not outlive the last of them by more than a second. */
export const deadlines: TimingWheel = new TimingWheel({
  tickOf: (leftMs) => (leftMs > nearMs ? coarseMs : fineMs),
  longestWaitMs: 1000,
});
