import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { CallCounts } from "../call-counts.js";
import type { MethodDesc } from "../contract.js";
import type { Code } from "../status.js";

/** What the calls of a method have come to. */
export interface MethodStats {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly callsStarted: number;
  readonly callsSucceeded: number;
  readonly callsFailed: number;
  readonly inFlight: number;
  /** Of calls that have ended: milliseconds from their arrival to their status. Undefined while none has. */
  readonly latencyMs: LatencyStats | undefined;
}

export interface LatencyStats {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** A histogram: from the shortest calls to the longest, each call in one bucket. */
  readonly buckets: readonly LatencyBucket[];
}

export interface LatencyBucket {
  /** Milliseconds: its calls took so long at most, and longer than the bucket before it says. `Infinity` of the last. */
  readonly upToMs: number;
  readonly calls: number;
}

/** Microseconds: longer calls count as this long. */
const longestMicros = 3_600_000_000;

/** Microseconds: where the buckets end. */
const bucketEnds: readonly number[] = [
  ...[100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000],
  ...[1_000_000, 2_500_000, 5_000_000, 10_000_000, Number.POSITIVE_INFINITY],
];

/** By the number of bits that a time has: the first bucket that it can be in. At most two steps are left from there. */
const firstBuckets: readonly number[] = Array.from({ length: 33 }, (_, bits) => {
  const least = bits === 0 ? 0 : 2 ** (bits - 1);
  return bucketEnds.findIndex((end) => least <= end);
});

/** Counts the calls of one method. */
export class CallCounter {
  readonly #method: MethodDesc | undefined;
  /** Made with the first call: it takes some kilobytes. */
  #latency: RecordableHistogram | undefined;
  /** Kept beside it, for some nanoseconds a call: it tells percentiles, not how many calls took up to so long. */
  readonly #buckets: number[] = new Array<number>(bucketEnds.length).fill(0);
  readonly #calls = new CallCounts();

  /** @param method undefined for all that the server does not know */
  constructor(method: MethodDesc | undefined) {
    this.#method = method;
  }

  /** @param at monotonic milliseconds */
  onStart(at: number): void {
    this.#calls.onStart(at);
  }

  onEnd(code: Code, elapsedMs: number): void {
    this.#calls.onEnd(code);
    this.#latency ??= createHistogram({ lowest: 1, highest: longestMicros, figures: 2 });
    const micros = Math.min(Math.max(1, Math.round(elapsedMs * 1000)), longestMicros);
    this.#latency.record(micros);
    this.#buckets[bucketOf(micros)]!++;
  }

  get calls(): Readonly<CallCounts> {
    return this.#calls;
  }

  get stats(): MethodStats {
    const { started, succeeded, failed, inFlight } = this.#calls;
    return {
      path: this.#method?.path ?? "",
      callsStarted: started,
      callsSucceeded: succeeded,
      callsFailed: failed,
      inFlight,
      latencyMs: this.#latency === undefined ? undefined : latencyStats(this.#latency, this.#buckets),
    };
  }
}

function bucketOf(micros: number): number {
  let bucket = firstBuckets[32 - Math.clz32(micros)]!;
  while (micros > bucketEnds[bucket]!) bucket++;
  return bucket;
}

function latencyStats(histogram: RecordableHistogram, buckets: readonly number[]): LatencyStats {
  const millis = (micros: number) => micros / 1000;
  return {
    mean: millis(histogram.mean),
    p50: millis(histogram.percentile(50)),
    p90: millis(histogram.percentile(90)),
    p99: millis(histogram.percentile(99)),
    max: millis(histogram.max),
    buckets: buckets.map((calls, i) => ({ upToMs: millis(bucketEnds[i]!), calls })),
  };
}
