import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { MethodDesc } from "../contract.js";
import { Code } from "../status.js";

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
}

/** Microseconds: longer calls count as this long. */
const longestMicros = 3_600_000_000;

/** Counts the calls of one method. */
export class CallCounter {
  readonly #method: MethodDesc | undefined;
  /** Made with the first call: it takes some kilobytes. */
  #latency: RecordableHistogram | undefined;
  #started = 0;
  #succeeded = 0;
  #failed = 0;

  /** @param method undefined for all that the server does not know */
  constructor(method: MethodDesc | undefined) {
    this.#method = method;
  }

  onStart(): void {
    this.#started++;
  }

  onEnd(code: Code, elapsedMs: number): void {
    if (code === Code.OK) this.#succeeded++;
    else this.#failed++;
    this.#latency ??= createHistogram({ lowest: 1, highest: longestMicros, figures: 2 });
    this.#latency.record(Math.min(Math.max(1, Math.round(elapsedMs * 1000)), longestMicros));
  }

  get stats(): MethodStats {
    return {
      path: this.#method?.path ?? "",
      callsStarted: this.#started,
      callsSucceeded: this.#succeeded,
      callsFailed: this.#failed,
      inFlight: this.#started - this.#succeeded - this.#failed,
      latencyMs: this.#latency === undefined ? undefined : latencyStats(this.#latency),
    };
  }
}

function latencyStats(histogram: RecordableHistogram): LatencyStats {
  const millis = (micros: number) => micros / 1000;
  return {
    mean: millis(histogram.mean),
    p50: millis(histogram.percentile(50)),
    p90: millis(histogram.percentile(90)),
    p99: millis(histogram.percentile(99)),
    max: millis(histogram.max),
  };
}
