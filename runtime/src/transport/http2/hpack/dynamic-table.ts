import type { HeaderField } from "./field.js";

/** What both ends of a connection take for granted before they say otherwise: SETTINGS_HEADER_TABLE_SIZE of RFC 9113. */
export const defaultTableBytes = 4096;

/** Most tables have a few. A power of two. */
const fewest = 4;

/**
 * The dynamic table (RFC 7541, section 2.3.2): a queue of fields, the newest first, of so many bytes.
 *
 * A ring, which grows as it fills: a table of 64 KiB may hold 2,048 fields, and hardly ever does.
 */
export class DynamicTable {
  #ring: (HeaderField | undefined)[] = new Array(fewest).fill(undefined);
  #maxBytes: number;
  #bytes = 0;
  #inserted = 0;
  #evicted = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** As RFC 7541, section 4.1, counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many fields were ever put in. The newest has this number, those before it the numbers below. */
  get inserted(): number {
    return this.#inserted;
  }

  /** The number of the newest field that is not there any more. */
  get evicted(): number {
    return this.#evicted;
  }

  get length(): number {
    return this.#inserted - this.#evicted;
  }

  /** The field before which `position` newer ones are. */
  at(position: number): HeaderField | undefined {
    if (position >= this.#inserted - this.#evicted) return undefined;
    return this.#ring[(this.#inserted - 1 - position) & (this.#ring.length - 1)];
  }

  /** The field with that number, one of those that are there. */
  withNumber(number: number): HeaderField {
    return this.#ring[(number - 1) & (this.#ring.length - 1)]!;
  }

  /** Makes room and puts it in front. One that is larger than the table leaves it empty (section 4.4). */
  insert(field: HeaderField): void {
    this.#evictDownTo(this.#maxBytes - field.listBytes);
    if (field.listBytes > this.#maxBytes) return;
    if (this.length === this.#ring.length) this.#grow();
    this.#ring[this.#inserted & (this.#ring.length - 1)] = field;
    this.#inserted++;
    this.#bytes += field.listBytes;
  }

  /** How many fields must go so that one of so many bytes fits. */
  evictionsFor(bytes: number): number {
    let left = this.#bytes;
    let evictions = 0;
    while (left + bytes > this.#maxBytes && evictions < this.length) {
      left -= this.#ring[(this.#evicted + evictions) & (this.#ring.length - 1)]!.listBytes;
      evictions++;
    }
    return evictions;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictDownTo(maxBytes);
  }

  /** The newest first. */
  *[Symbol.iterator](): IterableIterator<HeaderField> {
    for (let position = 0; position < this.length; position++) yield this.at(position)!;
  }

  #evictDownTo(bytes: number): void {
    while (this.#bytes > bytes && this.#evicted < this.#inserted) {
      const slot = this.#evicted & (this.#ring.length - 1);
      this.#bytes -= this.#ring[slot]!.listBytes;
      this.#ring[slot] = undefined;
      this.#evicted++;
    }
  }

  /** Slots are the low bits of numbers, so that every field moves to the slot that its number has in the larger ring. */
  #grow(): void {
    const larger = new Array<HeaderField | undefined>(this.#ring.length * 2).fill(undefined);
    for (let number = this.#evicted; number < this.#inserted; number++) {
      larger[number & (larger.length - 1)] = this.#ring[number & (this.#ring.length - 1)];
    }
    this.#ring = larger;
  }
}
