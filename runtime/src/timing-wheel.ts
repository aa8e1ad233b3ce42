import { longestTimerMs } from "./deadline.js";
import { outside } from "./outside.js";

/** What is told when its time has come. It holds its own place in the wheel: to be in it costs no object. */
export interface Expiring {
  /** Set by the wheel; undefined where it is in none. */
  bucket: Bucket | undefined;
  earlier: Expiring | undefined;
  later: Expiring | undefined;
  onDeadline(): void;
}

/** All that end in the same tick. */
export interface Bucket {
  readonly time: number;
  first: Expiring | undefined;
}

/** Milliseconds. */
export interface WheelTiming {
  /** To which so long a wait is met: at its end or later, never earlier. */
  tickOf(leftMs: number): number;
  /** What the timer waits at most before it looks again. One that is in vain lasts so long. */
  readonly longestWaitMs: number;
}

/** Many waits with one timer for all: of most of them nothing comes, and a timer of its own would be most of their cost. */
export class TimingWheel {
  readonly #timing: WheelTiming;
  readonly #buckets = new Map<number, Bucket>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(timing: WheelTiming) {
    this.#timing = timing;
  }

  /** @param deadline monotonic milliseconds; one that no timer can wait for is none */
  add(entry: Expiring, deadline: number, now: number): void {
    const left = deadline - now;
    if (left > longestTimerMs) return;
    const tick = this.#timing.tickOf(left);
    const time = Math.ceil(Math.max(deadline, now) / tick) * tick;
    let bucket = this.#buckets.get(time);
    if (bucket === undefined) {
      bucket = { time, first: undefined };
      this.#buckets.set(time, bucket);
      if (time < this.#timerAt) this.#wakeAt(time);
    }
    entry.bucket = bucket;
    entry.earlier = undefined;
    entry.later = bucket.first;
    if (bucket.first !== undefined) bucket.first.earlier = entry;
    bucket.first = entry;
  }

  remove(entry: Expiring): void {
    const { bucket, earlier, later } = entry;
    if (bucket === undefined) return;
    if (earlier === undefined) bucket.first = later;
    else earlier.later = later;
    if (later !== undefined) later.earlier = earlier;
    entry.bucket = undefined;
    entry.earlier = undefined;
    entry.later = undefined;
    // The timer stays: to set one for each that is alone would cost what this saves.
    if (bucket.first === undefined) this.#buckets.delete(bucket.time);
  }

  #wakeAt(time: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = time;
    const waitMs = Math.min(Math.max(0, time - performance.now()), this.#timing.longestWaitMs);
    // What waits is for others to hold the process open for: the socket of a call, say.
    this.#timer = outside(() => setTimeout(this.#turn, waitMs).unref());
  }

  readonly #turn = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const bucket of [...this.#buckets.values()]) {
      // A timer of Node.js may be early by a millisecond.
      if (bucket.time > now) {
        if (bucket.first !== undefined) next = Math.min(next, bucket.time);
        continue;
      }
      while (bucket.first !== undefined) {
        const entry = bucket.first;
        this.remove(entry);
        entry.onDeadline();
      }
    }
    if (next < this.#timerAt) this.#wakeAt(next);
  };
}
