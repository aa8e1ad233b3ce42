/** Walks the fields of an encoded message without decoding it. */
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** The tag of a field of type string, bytes or message. */
export const bytesField = (number: number): number => (number << 3) | 2;
export const stringField = bytesField;
/** The tag of a field of type bool, enum or int32. */
export const varintField = (number: number): number => number << 3;

/** Reads the value of a field and returns true, or returns false to have it stepped over. */
type ReadField = (tag: number, reader: BinaryReader) => boolean;

/** Shows every field of a message to `read`. Throws where the bytes are no message. */
export function eachField(bytes: Uint8Array, read: ReadField): void {
  const reader = new BinaryReader(bytes);
  eachFieldUntil(reader.len, reader, read);
}

/** The same for the message that is the value which `reader` has before it: no view of its bytes is made. */
export function eachFieldOfValue(reader: BinaryReader, read: ReadField): void {
  const end = reader.uint32() + reader.pos;
  eachFieldUntil(end, reader, read);
  if (reader.pos !== end) throw new RangeError(`a field goes beyond its message, at byte ${end}`);
}

function eachFieldUntil(end: number, reader: BinaryReader, read: ReadField): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 0) throw new Error(`field number 0 at byte ${reader.pos}`);
    if (!read(tag, reader)) stepOver(reader, tag);
  }
}

function stepOver(reader: BinaryReader, tag: number): void {
  if ((tag & 7) !== 2) {
    reader.skip(tag & 7, tag >>> 3);
    return;
  }
  // `skip` would do, but makes a view of what it skips, millions of times in a large request.
  const length = reader.uint32();
  reader.pos += length;
  if (reader.pos > reader.len) throw new RangeError("premature EOF");
}

/**
 * Throws for messages that are nested deeper than parsers of protobuf go. Who goes down into a message by a call of a
 * function asks this first, or a hostile request would end the process.
 */
export function requireDepth(depth: number): void {
  if (depth > deepest) throw new RangeError(`messages are nested deeper than ${deepest}`);
}

/** The limit of the parsers of C++, Java and of @bufbuild/protobuf, where nobody sets another. */
const deepest = 100;

/** The name of an encoded descriptor, of a file or of a declaration: field 1 of all of them. */
export function nameOf(descriptor: Uint8Array): string {
  let name = "";
  eachField(descriptor, (tag, reader) => {
    if (tag !== stringField(1)) return false;
    name = reader.string();
    return true;
  });
  return name;
}

/** A copy of a message that lacks every field with `tag`. */
export function withoutField(bytes: Uint8Array, tag: number): Uint8Array {
  const kept: Uint8Array[] = [];
  let start = 0;
  let previousEnd = 0;
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const current = reader.uint32();
    stepOver(reader, current);
    if (current === tag) {
      kept.push(bytes.subarray(start, previousEnd));
      start = reader.pos;
    }
    previousEnd = reader.pos;
  }
  kept.push(bytes.subarray(start));
  return Buffer.concat(kept);
}
