/** One entry may be evicted for so many blocks. A power of two. */
const blocksPerEviction = 32;

/** How many may be saved up. */
const maxSaved = 4;

/**
 * How often an encoder may evict entries of its table.
 *
 * Entries leave in the order in which they came, used or not. Where more fields repeat than the table has room for, each
 * that is put in pushes out one that is needed soon: every block would pay for insertions, at both ends, and have little
 * of them. Where the table is full of what nobody sends any more, it must be possible to replace it. A limit on the rate
 * does for both: what repeats and was evicted by mistake is back with one of the next insertions, a full table of 4,096
 * bytes is replaced within some 2,000 blocks, and insertions cost one block in 32 at most.
 */
export class EvictionCredit {
  #blocks = 0;
  #saved = maxSaved;

  /** A block begins. */
  earn(): void {
    this.#blocks = (this.#blocks + 1) & (blocksPerEviction - 1);
    if (this.#blocks === 0 && this.#saved < maxSaved) this.#saved++;
  }

  /** Whether so many evictions are allowed; they are taken as done then. */
  take(evictions: number): boolean {
    if (evictions > this.#saved) return false;
    this.#saved -= evictions;
    return true;
  }
}
