import { HpackError } from "./hpack-error.js";
import {
  codeCounts,
  codeLengths,
  codes,
  endOfString,
  firstCodes,
  firstSymbols,
  symbolsByCode,
} from "./huffman-code.js";

/** The bytes that `text` takes in Huffman code. */
export function huffmanBytes(text: string): number {
  let bits = 7;
  for (let i = 0; i < text.length; i++) bits += codeLengths[text.charCodeAt(i) & 0xff]!;
  return Math.floor(bits / 8);
}

/** Writes `text` in Huffman code; returns where it ends. */
export function writeHuffman(buffer: Buffer, start: number, text: string): number {
  let at = start;
  let waiting = 0;
  // How many of the low bits of `waiting` have not been written: fewer than 8 between two symbols.
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    const code = codes[symbol]!;
    let length = codeLengths[symbol]!;
    if (length > 24) {
      // Its first 8 bits by themselves: 7 and 30 bits together are more than an integer has.
      length -= 8;
      waiting = (waiting << 8) | (code >>> length);
      buffer[at++] = waiting >>> bits;
    }
    waiting = (waiting << length) | (code & ((1 << length) - 1));
    bits += length;
    while (bits >= 8) {
      bits -= 8;
      buffer[at++] = waiting >>> bits;
    }
  }
  // Ones to the end of the byte: the beginning of the code of the end of string (section 5.2).
  if (bits > 0) buffer[at++] = (waiting << (8 - bits)) | (0xff >>> bits);
  return at;
}

/** The bits by which a code is looked up: all of those that text is mostly made of have at most 8. */
const shortLength = 8;

/** By the next 8 bits: the symbol and, in the low 4 bits, the length of its code; 0 where the code is longer. */
const shortCodes = new Uint16Array(1 << shortLength);
for (let symbol = 0; symbol < codes.length; symbol++) {
  const free = shortLength - codeLengths[symbol]!;
  if (free < 0) continue;
  shortCodes.fill((symbol << 4) | codeLengths[symbol]!, codes[symbol]! << free, (codes[symbol]! + 1) << free);
}

/** The most that a string of so many bytes has when decoded: no code is shorter than 5 bits. */
export function maxDecodedBytes(bytes: number): number {
  return Math.floor((bytes * 8) / 5);
}

/**
 * Decodes the Huffman code in bytes [start, end) of `from` to the beginning of `to`, which has room for
 * `maxDecodedBytes()`; returns how many bytes it has written.
 *
 * A symbol is one look-up in a table of half a kilobyte. A table that takes a whole byte in every state of the code has
 * 256 of them, which fills the first-level cache and costs a start-up to build; one that takes half a byte needs two
 * look-ups for most symbols.
 */
export function readHuffman(from: Buffer, start: number, end: number, to: Buffer): number {
  let at = start;
  let written = 0;
  let waiting = 0;
  // How many of the low bits of `waiting` have not been decoded.
  let bits = 0;
  for (;;) {
    if (bits < shortLength) {
      if (at === end) break;
      waiting = (waiting << 8) | from[at++]!;
      bits += 8;
    }
    const short = shortCodes[(waiting >>> (bits - shortLength)) & 0xff]!;
    if (short !== 0) {
      to[written++] = short >>> 4;
      bits -= short & 15;
      continue;
    }
    // A longer code: bit by bit, until there is a code of so many bits that is no larger.
    bits -= shortLength;
    let code = (waiting >>> bits) & 0xff;
    let length = shortLength;
    let symbol = -1;
    while (symbol < 0) {
      if (bits === 0) {
        if (at === end) throw new HpackError("the padding of a Huffman-coded string is longer than 7 bits");
        waiting = from[at++]!;
        bits = 8;
      }
      code = (code << 1) | ((waiting >>> --bits) & 1);
      const above = code - firstCodes[++length]!;
      if (above < codeCounts[length]!) symbol = symbolsByCode[firstSymbols[length]! + above]!;
    }
    if (symbol === endOfString) throw new HpackError("a Huffman-coded string has the end-of-string symbol in it");
    to[written++] = symbol;
  }
  return written + readTail(waiting, bits, to, written);
}

/** The last, fewer than 8, bits: at most one symbol, as none is shorter than 5 bits, and the padding. */
function readTail(waiting: number, bits: number, to: Buffer, at: number): number {
  const short = shortCodes[((waiting << (shortLength - bits)) | (0xff >>> bits)) & 0xff]!;
  let left = bits;
  let symbols = 0;
  if (short !== 0 && (short & 15) <= bits) {
    to[at] = short >>> 4;
    left -= short & 15;
    symbols = 1;
  }
  const ones = (1 << left) - 1;
  if ((waiting & ones) !== ones) throw new HpackError("the padding of a Huffman-coded string is not all ones");
  return symbols;
}
