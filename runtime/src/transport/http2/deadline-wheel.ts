import { longestTimerMs } from "../../deadline.js";
import { outside } from "../../outside.js";

/** What is told when its time has come. */
export interface Expiring {
  onDeadline(): void;
}

/** The time of one call, and its place in the wheel: an object of its own, since most streams have no deadline. */
export class WheelPlace {
  /** Monotonic milliseconds. */
  readonly deadline: number;
  readonly owner: Expiring;
  // Set by the wheel.
  bucket: Bucket | undefined = undefined;
  earlier: WheelPlace | undefined = undefined;
  later: WheelPlace | undefined = undefined;

  constructor(owner: Expiring, deadline: number) {
    this.owner = owner;
    this.deadline = deadline;
  }
}

/** All that end in the same tick. */
interface Bucket {
  readonly time: number;
  first: WheelPlace | undefined;
}

/** Milliseconds: deadlines that are near are met to one, others to a few. Never early. */
const fineMs = 1;
const coarseMs = 16;
const nearMs = 1000;

/** Milliseconds: it is looked again. */
const longestWaitMs = 1000;

/**
 * The deadlines of all calls of a process, with one timer for all: of most calls nothing comes of it, and a timer each
 * would cost more than the rest of their bookkeeping.
 */
class DeadlineWheel {
  readonly #buckets = new Map<number, Bucket>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** One that no timer can wait for is none. */
  add(entry: WheelPlace, now: number): void {
    const { deadline } = entry;
    const left = deadline - now;
    if (left > longestTimerMs) return;
    const tick = left > nearMs ? coarseMs : fineMs;
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

  remove(entry: WheelPlace): void {
    const { bucket, earlier, later } = entry;
    if (bucket === undefined) return;
    if (earlier === undefined) bucket.first = later;
    else earlier.later = later;
    if (later !== undefined) later.earlier = earlier;
    entry.bucket = undefined;
    entry.earlier = undefined;
    entry.later = undefined;
    // The timer stays: to set one for each call that is alone would cost what this saves.
    if (bucket.first === undefined) this.#buckets.delete(bucket.time);
  }

  #wakeAt(time: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = time;
    // It does not outlive the last call by more than that.
    const waitMs = Math.min(Math.max(0, time - performance.now()), longestWaitMs);
    // The sockets of the calls hold the process open.
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
        entry.owner.onDeadline();
      }
    }
    if (next < this.#timerAt) this.#wakeAt(next);
  };
}

export const deadlines: DeadlineWheel = new DeadlineWheel();
