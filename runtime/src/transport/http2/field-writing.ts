/** How values lie at the end of a target. Each makes room for itself and moves `end`. */
import type { ByteTarget } from "./byte-target.js";
import { scratch } from "./field-values.js";

/** The longest string whose UTF-8 is never longer than 127 bytes: its length is one byte, whatever is in it. */
export const shortString = 42;

/** The body has come out longer than the one byte that was left for its length can say. */
export function insertLength(target: ByteTarget, start: number, length: number): void {
  const more = varintSize(length) - 1;
  if (target.buffer.length - target.end < more) target.reserve(more);
  const { buffer, end } = target;
  buffer.copyWithin(start + more, start, end);
  putVarint(buffer, start - 1, length);
  target.end = end + more;
}

/** Any text of up to `shortString` UTF-16 units. */
export function writeShortString(target: ByteTarget, text: string): void {
  const start = target.end;
  const most = 1 + 3 * text.length;
  if (target.buffer.length - start < most) target.reserve(most);
  const buffer = target.buffer;
  let end = start + 1;
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      buffer[end++] = point;
      continue;
    }
    if (point < 0x800) {
      buffer[end++] = 0xc0 | (point >> 6);
      buffer[end++] = 0x80 | (point & 0x3f);
      continue;
    }
    if (point >= 0xd800 && point < 0xe000) {
      // NaN at the end of the text, which is no half of a pair.
      const next = text.charCodeAt(i + 1);
      if (point < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00);
        i++;
        buffer[end++] = 0xf0 | (point >> 18);
        buffer[end++] = 0x80 | ((point >> 12) & 0x3f);
        buffer[end++] = 0x80 | ((point >> 6) & 0x3f);
        buffer[end++] = 0x80 | (point & 0x3f);
        continue;
      }
      point = 0xfffd;
    }
    buffer[end++] = 0xe0 | (point >> 12);
    buffer[end++] = 0x80 | ((point >> 6) & 0x3f);
    buffer[end++] = 0x80 | (point & 0x3f);
  }
  buffer[start] = end - start - 1;
  target.end = end;
}

export function writeLongString(target: ByteTarget, text: string): void {
  const guess = varintSize(text.length);
  const start = target.end;
  // Three bytes for a UTF-16 unit are the most, and hardly ever needed: where there is no room for them, we count.
  if (target.buffer.length - start < 5 + 3 * text.length) {
    const length = Buffer.byteLength(text);
    const size = varintSize(length);
    target.reserve(size + length);
    putVarint(target.buffer, start, length);
    target.buffer.write(text, start + size);
    target.end = start + size + length;
    return;
  }
  const buffer = target.buffer;
  const length = buffer.write(text, start + guess);
  const size = varintSize(length);
  if (size !== guess) buffer.copyWithin(start + size, start + guess, start + guess + length);
  putVarint(buffer, start, length);
  target.end = start + size + length;
}

function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function putVarint(buffer: Buffer, start: number, value: number): void {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at] = rest;
}

export function writeVarint(target: ByteTarget, value: number): void {
  if (target.buffer.length - target.end < 5) target.reserve(5);
  const buffer = target.buffer;
  let end = target.end;
  let rest = value;
  while (rest > 0x7f) {
    buffer[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[end++] = rest;
  target.end = end;
}

export function writeVarint64(target: ByteTarget, lowBits: number, highBits: number): void {
  if (target.buffer.length - target.end < 10) target.reserve(10);
  const buffer = target.buffer;
  let end = target.end;
  let low = lowBits >>> 0;
  let high = highBits >>> 0;
  while (high !== 0 || low > 0x7f) {
    buffer[end++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  buffer[end++] = low;
  target.end = end;
}

export function writeFixed32(target: ByteTarget, value: number): void {
  if (target.buffer.length - target.end < 4) target.reserve(4);
  const { buffer, end } = target;
  buffer[end] = value;
  buffer[end + 1] = value >>> 8;
  buffer[end + 2] = value >>> 16;
  buffer[end + 3] = value >>> 24;
  target.end = end + 4;
}

export function writeScratch(target: ByteTarget): void {
  if (target.buffer.length - target.end < 8) target.reserve(8);
  const low = scratch.getInt32(0, true);
  const high = scratch.getInt32(4, true);
  const { buffer, end } = target;
  buffer[end] = low;
  buffer[end + 1] = low >>> 8;
  buffer[end + 2] = low >>> 16;
  buffer[end + 3] = low >>> 24;
  buffer[end + 4] = high;
  buffer[end + 5] = high >>> 8;
  buffer[end + 6] = high >>> 16;
  buffer[end + 7] = high >>> 24;
  target.end = end + 8;
}
