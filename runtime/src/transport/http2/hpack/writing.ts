import { huffmanBytes, writeHuffman } from "./huffman.js";
import { huffmanString, type Representation, rawString } from "./representation.js";

/** Bytes that any integer fits into that is written here: a first byte, and 7 bits in each of five more. */
export const maxIntegerBytes = 6;

/** From this length on, a call into native code costs less than a loop over the characters. */
const nativeFrom = 24;

/** Writes an integer below 2^31 (RFC 7541, section 5.1) behind the bits of a representation; returns where it ends. */
export function writeInteger(buffer: Buffer, start: number, { bits, limit }: Representation, value: number): number {
  if (value < limit) {
    buffer[start] = bits | value;
    return start + 1;
  }
  buffer[start] = bits | limit;
  let at = start + 1;
  let rest = value - limit;
  for (; rest > 0x7f; rest >>>= 7) buffer[at++] = 0x80 | (rest & 0x7f);
  buffer[at++] = rest;
  return at;
}

/** Writes a string as it is; returns where it ends. */
export function writeRaw(buffer: Buffer, start: number, text: string): number {
  const { length } = text;
  const at = writeInteger(buffer, start, rawString, length);
  if (length >= nativeFrom) buffer.write(text, at, length, "latin1");
  else for (let i = 0; i < length; i++) buffer[at + i] = text.charCodeAt(i);
  return at + length;
}

/** Writes a string in Huffman code where that is shorter, else as it is; returns where it ends. */
export function writeShortest(buffer: Buffer, start: number, text: string): number {
  const bytes = huffmanBytes(text);
  if (bytes >= text.length) return writeRaw(buffer, start, text);
  return writeHuffman(buffer, writeInteger(buffer, start, huffmanString, bytes), text);
}
