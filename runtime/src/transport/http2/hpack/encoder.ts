import type { ByteTarget } from "../byte-target.js";
import { type DynamicTable, defaultTableBytes } from "./dynamic-table.js";
import { EncoderTable } from "./encoder-table.js";
import { CachedFields, type FieldPairs, type RepeatedFields } from "./repeated-fields.js";
import {
  indexed,
  indexedLiteral,
  neverIndexedLiteral,
  plainLiteral,
  type Representation,
  sizeUpdate,
} from "./representation.js";
import { sensitiveNames } from "./sensitive-names.js";
import { maxIntegerBytes, writeInteger, writeRaw, writeShortest } from "./writing.js";

export type { FieldPairs, RepeatedFields } from "./repeated-fields.js";

/** Room for the integers of a literal: an index, and the lengths of a name and a value. */
const literalOverhead = 3 * maxIntegerBytes;

/**
 * Encodes the header blocks of one connection: they must go out in the order in which they were written, and each whole.
 *
 * Names and values are of bytes, a character for each; names are in lower case.
 */
export class HpackEncoder {
  readonly #table = new EncoderTable();
  readonly #maxTableBytes: number;
  /** The table's size in the next block, and the smallest that was asked for since the last. */
  #tableBytes: number;
  #smallestTableBytes: number;

  /** @param maxTableBytes What this end uses at most, whatever the peer allows. */
  constructor(maxTableBytes: number = defaultTableBytes) {
    this.#maxTableBytes = maxTableBytes;
    this.#tableBytes = Math.min(maxTableBytes, defaultTableBytes);
    this.#smallestTableBytes = this.#tableBytes;
  }

  /**
   * What the peer's decoder has in its table too.
   * @internal
   */
  get table(): DynamicTable {
    return this.#table;
  }

  /** @internal */
  get generation(): number {
    return this.#table.generation;
  }

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE. The next block says what came of it, so its acknowledgement must leave before
   * that block does.
   */
  setPeerTableBytes(bytes: number): void {
    this.#tableBytes = Math.min(bytes, this.#maxTableBytes);
    this.#smallestTableBytes = Math.min(this.#smallestTableBytes, this.#tableBytes);
  }

  /** First of every block: writes the size updates that are due (RFC 7541, section 4.2). */
  begin(target: ByteTarget): void {
    this.#table.begin();
    if (this.#smallestTableBytes < this.table.maxBytes) this.#resize(target, this.#smallestTableBytes);
    if (this.#tableBytes !== this.table.maxBytes) this.#resize(target, this.#tableBytes);
    this.#smallestTableBytes = this.#tableBytes;
  }

  /** A field of this block. */
  field(target: ByteTarget, name: string, value: string): void {
    const table = this.#table;
    const known = table.known(name);
    const index = table.indexOfNumber(table.numberOf(known, value));
    target.reserve(literalOverhead + name.length + value.length);
    if (index !== 0) target.end = writeInteger(target.buffer, target.end, indexed, index);
    else {
      const nameIndex = table.nameIndexOf(known);
      if (known.isSensitive) this.#literal(target, neverIndexedLiteral, nameIndex, name, value);
      else if (table.isWorthEntering(known, value)) this.#enter(target, nameIndex, name, value);
      else this.#literal(target, plainLiteral, nameIndex, name, value);
    }
  }

  /**
   * Fields that come again in many blocks, in this order. They are put into the table when they are first written, as far
   * as they fit; what is written then is a few bytes, copied.
   */
  repeated(fields: FieldPairs): RepeatedFields {
    return new CachedFields(this, fields);
  }

  /** @internal */
  repeatedField(target: ByteTarget, name: string, value: string): boolean {
    const table = this.#table;
    target.reserve(literalOverhead + name.length + value.length);
    const index = table.indexOf(name, value);
    if (index !== 0) {
      target.end = writeInteger(target.buffer, target.end, indexed, index);
      return true;
    }
    const nameIndex = table.indexOfName(name);
    if (sensitiveNames.has(name)) {
      this.#literal(target, neverIndexedLiteral, nameIndex, name, value);
      return true;
    }
    const hasRoom = table.hasRoomForRepeated(name, value);
    if (hasRoom) this.#enter(target, nameIndex, name, value);
    else this.#literal(target, plainLiteral, nameIndex, name, value);
    return hasRoom;
  }

  /** Bytes are saved with each block that has only its index then. */
  #enter(target: ByteTarget, nameIndex: number, name: string, value: string): void {
    const at = this.#writeName(target, indexedLiteral, nameIndex, name);
    target.end = writeShortest(target.buffer, at, value);
    this.#table.enter(name, value);
  }

  /**
   * A value that is sent as it is: Huffman code saves it a quarter of its bytes, and takes both ends together two to three
   * times as long.
   */
  #literal(target: ByteTarget, representation: Representation, nameIndex: number, name: string, value: string): void {
    const at = this.#writeName(target, representation, nameIndex, name);
    target.end = writeRaw(target.buffer, at, value);
  }

  #writeName(target: ByteTarget, representation: Representation, nameIndex: number, name: string): number {
    const at = writeInteger(target.buffer, target.end, representation, nameIndex);
    if (nameIndex !== 0) return at;
    return representation === indexedLiteral
      ? writeShortest(target.buffer, at, name)
      : writeRaw(target.buffer, at, name);
  }

  #resize(target: ByteTarget, bytes: number): void {
    target.reserve(maxIntegerBytes);
    target.end = writeInteger(target.buffer, target.end, sizeUpdate, bytes);
    this.table.resize(bytes);
  }
}
