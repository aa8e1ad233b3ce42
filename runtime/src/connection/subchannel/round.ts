import type { Address } from "../resolver/address.js";

/** Milliseconds that an address has to itself before the next is tried beside it: RFC 8305, section 5. */
const attemptDelayMs = 250;

/** Of many addresses that all fail, so many say why. */
const longestReasons = 3;

/** What a round makes of an address. */
export interface Attempt {
  abandon(): void;
}

/**
 * One attempt to reach any of several addresses, in their order, as RFC 8305 ("happy eyeballs") has it: the next begins
 * when one has failed, or has not succeeded soon; the first to succeed wins, and the others are abandoned. So an address
 * that leads nowhere costs a quarter of a second, not a timeout.
 */
export class Round {
  readonly addresses: readonly Address[];
  readonly #begin: (address: Address) => Attempt;
  readonly #onLost: (reason: string) => void;
  readonly #running = new Set<Attempt>();
  readonly #reasons = new Set<string>();
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(addresses: readonly Address[], begin: (address: Address) => Attempt, onLost: (reason: string) => void) {
    this.addresses = addresses;
    this.#begin = begin;
    this.#onLost = onLost;
    this.#beginNext();
  }

  /** This one has failed. */
  failed(attempt: Attempt, reason: string): void {
    if (!this.#running.delete(attempt)) return;
    this.#reasons.add(reason);
    if (this.#next < this.addresses.length) this.#beginNext();
    else if (this.#running.size === 0) this.#onLost(this.#reason());
  }

  /** This one has succeeded: it is not the round's any more. */
  won(attempt: Attempt): void {
    this.#running.delete(attempt);
    this.abandon();
  }

  abandon(): void {
    clearTimeout(this.#timer);
    for (const attempt of this.#running) attempt.abandon();
    this.#running.clear();
    this.#next = this.addresses.length;
  }

  #beginNext(): void {
    clearTimeout(this.#timer);
    this.#running.add(this.#begin(this.addresses[this.#next++]!));
    if (this.#next === this.addresses.length) return;
    this.#timer = setTimeout(() => this.#beginNext(), attemptDelayMs).unref();
  }

  #reason(): string {
    const reasons = [...this.#reasons];
    const more = reasons.length - longestReasons;
    return `${reasons.slice(0, longestReasons).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
  }
}
