import { isText, textOf } from "./text.js";

/** A power of two. More names than the peers of a process have that put none of them into the table. */
const slotCount = 128;

/** Names of fields are short; what is longer is no name that comes again and again. */
const maxLength = 40;

/**
 * Names that came as literals: peers that index nothing send the same few with every call, and to compare one with what
 * came is cheaper than to make it anew. A name has one slot, and a later one with the same slot takes its place: a peer
 * that sends others each time pays for it itself, and others a little: all connections share one.
 */
export class NameCache {
  readonly #slots: (string | undefined)[] = new Array(slotCount).fill(undefined);

  textOf(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > maxLength) return textOf(bytes, start, end);
    const slot =
      (length * 7 + bytes[start]! * 5 + bytes[start + (length >> 1)]! * 3 + bytes[end - 1]!) & (slotCount - 1);
    const known = this.#slots[slot];
    if (known !== undefined && isText(known, bytes, start, end)) return known;
    const name = textOf(bytes, start, end);
    this.#slots[slot] = name;
    return name;
  }
}
