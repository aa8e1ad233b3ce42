import type { WireWriter } from "../../contract.js";
import type { ByteTarget } from "./byte-target.js";
import { float32Of, int32Of, lengthOf, scratch, splitInt64, splitUint64, uint32Of } from "./field-values.js";
import {
  insertLength,
  shortString,
  writeFixed32,
  writeLongString,
  writeScratch,
  writeShortString,
  writeVarint,
  writeVarint64,
} from "./field-writing.js";

const nowhere: ByteTarget = {
  buffer: Buffer.alloc(0),
  end: 0,
  reserve() {
    throw new Error("a MessageWriter writes nothing before begin(): call that first");
  },
};

/**
 * Writes messages straight into a buffer that leaves on a socket, where a `BinaryWriter` makes a buffer for each and a
 * copy of it. The bytes are the same, and so is what it refuses. One writer serves all messages of a process, one
 * after the other.
 *
 * `target.end` is true after every call: a message is whole when its codec returns, and to take one back that has
 * failed half-way is to set `end` back.
 */
export class MessageWriter implements WireWriter {
  #target = nowhere;
  #start = 0;
  /** Where the bodies of the open forks begin: the length goes before. */
  readonly #forks: number[] = [];
  #depth = 0;

  /** What is written next goes to the end of `target`; forks of an earlier message that has thrown are forgotten. */
  begin(target: ByteTarget): void {
    this.#target = target;
    this.#start = target.end;
    this.#depth = 0;
  }

  /** A copy of what was written since `begin()`, which stays where it is. */
  finish(): Uint8Array {
    const { buffer, end } = this.#target;
    return new Uint8Array(buffer.subarray(this.#start, end));
  }

  fork(): this {
    const target = this.#target;
    const end = target.end;
    if (end >= target.buffer.length) target.reserve(1);
    this.#forks[this.#depth++] = target.end = end + 1;
    return this;
  }

  join(): this {
    if (this.#depth === 0) throw new Error("there is no fork to join: every join() needs a fork() before it");
    const start = this.#forks[--this.#depth]!;
    const target = this.#target;
    const length = target.end - start;
    if (length < 0x80) target.buffer[start - 1] = length;
    else insertLength(target, start, length);
    return this;
  }

  tag(fieldNo: number, type: number): this {
    return this.uint32(((fieldNo << 3) | type) >>> 0);
  }

  raw(chunk: Uint8Array): this {
    const target = this.#target;
    const length = lengthOf(chunk);
    if (target.buffer.length - target.end < length) target.reserve(length);
    target.buffer.set(chunk, target.end);
    target.end += length;
    return this;
  }

  uint32(value: number): this {
    const target = this.#target;
    const end = target.end;
    const int = typeof value === "number" && value >>> 0 === value ? value : uint32Of(value);
    if (int < 0x80 && end < target.buffer.length) {
      target.buffer[end] = int;
      target.end = end + 1;
    } else {
      writeVarint(target, int);
    }
    return this;
  }

  int32(value: number): this {
    const target = this.#target;
    const end = target.end;
    const int = typeof value === "number" && (value | 0) === value ? value : int32Of(value);
    if (int >= 0 && int < 0x80 && end < target.buffer.length) {
      target.buffer[end] = int;
      target.end = end + 1;
    } else if (int < 0) {
      writeVarint64(target, int, -1);
    } else {
      writeVarint(target, int);
    }
    return this;
  }

  sint32(value: number): this {
    const int = int32Of(value);
    writeVarint(this.#target, ((int << 1) ^ (int >> 31)) >>> 0);
    return this;
  }

  fixed32(value: number): this {
    writeFixed32(this.#target, uint32Of(value));
    return this;
  }

  sfixed32(value: number): this {
    writeFixed32(this.#target, int32Of(value));
    return this;
  }

  uint64(value: string | number | bigint): this {
    splitUint64(value);
    writeVarint64(this.#target, scratch.getInt32(0, true), scratch.getInt32(4, true));
    return this;
  }

  int64(value: string | number | bigint): this {
    splitInt64(value);
    writeVarint64(this.#target, scratch.getInt32(0, true), scratch.getInt32(4, true));
    return this;
  }

  sint64(value: string | number | bigint): this {
    splitInt64(value);
    const low = scratch.getInt32(0, true);
    const high = scratch.getInt32(4, true);
    const sign = high >> 31;
    writeVarint64(this.#target, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
    return this;
  }

  fixed64(value: string | number | bigint): this {
    splitUint64(value);
    writeScratch(this.#target);
    return this;
  }

  sfixed64(value: string | number | bigint): this {
    splitInt64(value);
    writeScratch(this.#target);
    return this;
  }

  float(value: number): this {
    scratch.setFloat32(0, float32Of(value), true);
    writeFixed32(this.#target, scratch.getInt32(0, true));
    return this;
  }

  double(value: number): this {
    scratch.setFloat64(0, value, true);
    writeScratch(this.#target);
    return this;
  }

  bool(value: boolean): this {
    const target = this.#target;
    const end = target.end;
    if (end >= target.buffer.length) target.reserve(1);
    target.buffer[end] = value ? 1 : 0;
    target.end = end + 1;
    return this;
  }

  string(value: string): this {
    const text = typeof value === "string" ? value : String(value);
    const target = this.#target;
    const length = text.length;
    if (length > shortString) {
      writeLongString(target, text);
      return this;
    }
    const start = target.end + 1;
    if (target.buffer.length - start < length) target.reserve(1 + length);
    const buffer = target.buffer;
    let i = 0;
    // ASCII, most likely; two at a time take a tenth less than one by one.
    for (; i + 1 < length; i += 2) {
      const unit = text.charCodeAt(i);
      const next = text.charCodeAt(i + 1);
      if ((unit | next) > 0x7f) break;
      buffer[start + i] = unit;
      buffer[start + i + 1] = next;
    }
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) break;
      buffer[start + i] = unit;
    }
    if (i === length) {
      buffer[start - 1] = length;
      target.end = start + length;
    } else {
      writeShortString(target, text);
    }
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.uint32(lengthOf(value)).raw(value);
  }
}
