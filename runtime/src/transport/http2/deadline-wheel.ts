import { type Bucket, type Expiring, TimingWheel } from "../../timing-wheel.js";

/** The time of one call, and its place in the wheel: an object of its own, since most streams have no deadline. */
export class CallDeadline implements Expiring {
  /** Monotonic milliseconds. */
  readonly time: number;
  readonly #call: { onDeadline(): void };
  bucket: Bucket | undefined = undefined;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;

  constructor(call: { onDeadline(): void }, time: number) {
    this.#call = call;
    this.time = time;
  }

  onDeadline(): void {
    this.#call.onDeadline();
  }
}

/** Milliseconds: deadlines that are near are met to one, others to a few. */
const fineMs = 1;
const coarseMs = 16;
const nearMs = 1000;

/** The deadlines of all calls of a process. Its timer does not outlive the last of them by more than a second. */
export const deadlines: TimingWheel = new TimingWheel({
  tickOf: (leftMs) => (leftMs > nearMs ? coarseMs : fineMs),
  longestWaitMs: 1000,
});
