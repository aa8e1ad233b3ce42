import type { RetryThrottling } from "./policy.js";

/** Counts what a server's failures cost in tokens: with half of them gone, nothing is tried again. gRFC A6. */
export class RetryThrottle {
  readonly #maxTokens: number;
  readonly #tokenRatio: number;
  #tokens: number;

  constructor({ maxTokens, tokenRatio }: RetryThrottling) {
    this.#maxTokens = maxTokens;
    // Three decimal places count, by the gRFC.
    this.#tokenRatio = Math.floor(tokenRatio * 1000) / 1000;
    this.#tokens = maxTokens;
  }

  /** Whether failures may be tried again now. */
  get allows(): boolean {
    return this.#tokens > this.#maxTokens / 2;
  }

  onSuccess(): void {
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + this.#tokenRatio);
  }

  onFailure(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }
}
