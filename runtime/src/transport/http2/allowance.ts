import { ConnectionError, ErrorCode } from "./frames.js";

/**
 * How much a peer may do of what costs us more than it, or brings nobody forward. Whoever makes calls and lets them end
 * never comes near it; a flood ends its connection (ENHANCE_YOUR_CALM).
 */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #complaint: string;
  #left: number;
  #since: number;

  /** @param complaint what the peer is told that it has sent too much of */
  constructor(burst: number, perSecond: number, complaint: string) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#complaint = complaint;
    this.#left = burst;
    this.#since = performance.now();
  }

  /** @throws ConnectionError where there is nothing left */
  spend(): void {
    if (--this.#left >= 0) return;
    // The clock is looked at only by whoever has used it up.
    const now = performance.now();
    this.#left = Math.min(this.#burst, Math.floor(((now - this.#since) / 1000) * this.#perSecond)) - 1;
    this.#since = now;
    if (this.#left < 0) throw new ConnectionError(ErrorCode.enhanceYourCalm, `too many ${this.#complaint}`);
  }

  /** The peer has done something that it is here for. */
  earn(amount = 1): void {
    if (this.#left < this.#burst) this.#left += amount;
  }
}
