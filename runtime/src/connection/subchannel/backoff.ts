/** By which an attempt is later than the one before, and how much that varies: the gRPC Connection Backoff document. */
const factor = 1.6;
const jitter = 0.2;

/** Milliseconds. */
export interface BackoffRange {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** How long to wait after each attempt that has failed. */
export class Backoff {
  readonly #range: BackoffRange;
  #failures = 0;

  constructor(range: BackoffRange) {
    this.#range = range;
  }

  /** The shortest wait that there is. */
  static shortest({ initialMs }: BackoffRange): number {
    return initialMs * (1 - jitter);
  }

  /** After one more failure: the wait as the rule has it, in whole milliseconds, and the wait itself. */
  next(): { readonly aboutMs: number; readonly waitMs: number } {
    const { initialMs, maxMs } = this.#range;
    const millis = Math.min(initialMs * factor ** this.#failures++, maxMs);
    return { aboutMs: Math.round(millis), waitMs: millis * (1 + jitter * (2 * Math.random() - 1)) };
  }

  reset(): void {
    this.#failures = 0;
  }
}
