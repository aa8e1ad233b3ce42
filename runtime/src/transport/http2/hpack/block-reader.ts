import { HpackError } from "./hpack-error.js";
import { maxDecodedBytes, readHuffman } from "./huffman.js";
import { NameCache } from "./name-cache.js";
import { huffmanString } from "./representation.js";
import { textOf } from "./text.js";

const nothing = Buffer.alloc(0);

/** Where strings are decoded to, one at a time; longer ones get a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(4096);

const names = new NameCache();

/**
 * How many bytes of an integer may follow its first: 28 bits, far more than a header block has bytes or a table fields. A
 * limit is needed, as zeros can follow without end (RFC 7541, section 5.1).
 */
const maxMoreBytes = 4;

/** Reads the integers and strings of a header block, one after the other. */
export class BlockReader {
  bytes: Buffer = nothing;
  /** Where the next byte is. */
  at = 0;
  end = 0;

  open(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  close(): void {
    this.bytes = nothing;
  }

  /** An integer that begins in those bits of the next byte that `limit` has (section 5.1). */
  integer(limit: number): number {
    if (this.at === this.end) throw cutShort();
    let value = this.bytes[this.at++]! & limit;
    if (value < limit) return value;
    for (let shift = 0; shift < maxMoreBytes * 7; shift += 7) {
      if (this.at === this.end) throw cutShort();
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new HpackError(`an integer of a header block has more than ${maxMoreBytes + 1} bytes`);
  }

  name(): string {
    return this.#string(true);
  }

  value(): string {
    return this.#string(false);
  }

  /** Section 5.2. */
  #string(isName: boolean): string {
    const isHuffman = this.at < this.end && this.bytes[this.at]! >= huffmanString.bits;
    const length = this.integer(huffmanString.limit);
    const start = this.at;
    if (length > this.end - start) throw cutShort();
    this.at += length;
    if (!isHuffman) return isName ? names.textOf(this.bytes, start, this.at) : textOf(this.bytes, start, this.at);
    const room = maxDecodedBytes(length);
    const decoded = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
    const written = readHuffman(this.bytes, start, this.at, decoded);
    return isName ? names.textOf(decoded, 0, written) : textOf(decoded, 0, written);
  }
}

function cutShort(): HpackError {
  return new HpackError("a header block ends in the middle of a field");
}
