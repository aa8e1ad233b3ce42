import { ConnectionError, ErrorCode } from "./frames.js";

/** What a peer may do of one thing; the same for all connections. */
export interface AllowanceTerms {
  /** At a time. */
  readonly burst: number;
  readonly perSecond: number;
  /** What the peer is told that it has sent too much of. */
  readonly what: string;
}

/**
 * How much a peer may do of what costs us more than it, or brings nobody forward. Whoever makes calls and lets them end
 * never comes near it; a flood ends its connection (ENHANCE_YOUR_CALM).
 */
export class Allowance {
  readonly #terms: AllowanceTerms;
  #left: number;
  /** Whole milliseconds: those are kept without an object of their own. */
  #since = Math.trunc(performance.now());

  constructor(terms: AllowanceTerms) {
    this.#terms = terms;
    this.#left = terms.burst;
  }

  /** @throws ConnectionError where there is nothing left */
  spend(): void {
    if (--this.#left >= 0) return;
    // The clock is looked at only by whoever has used it up.
    const { burst, perSecond, what } = this.#terms;
    const now = Math.trunc(performance.now());
    this.#left = Math.min(burst, Math.floor(((now - this.#since) / 1000) * perSecond)) - 1;
    this.#since = now;
    if (this.#left < 0) throw new ConnectionError(ErrorCode.enhanceYourCalm, `too many ${what}`);
  }

  /** The peer has done something that it is here for. */
  earn(amount = 1): void {
    if (this.#left < this.#terms.burst) this.#left += amount;
  }
}
