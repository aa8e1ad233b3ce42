import type { ByteTarget } from "../byte-target.js";

/** Fields that come again in many blocks. */
export interface RepeatedFields {
  /** Writes all of them, in their order: a few bytes once the table has them. */
  write(target: ByteTarget): void;
}

/** Kept as they are given, so that all connections can have the same. */
export type FieldPairs = readonly (readonly [name: string, value: string])[];

/** What repeated fields ask of the encoder that made them. */
export interface RepeatedFieldsEncoder {
  /** Differs from before whenever an index means another field than before. */
  readonly generation: number;
  /** Writes a field, entered into the table where it has room; false where it has none. */
  repeatedField(target: ByteTarget, name: string, value: string): boolean;
}

/** After so many writes, fields that had no room in the table try again. */
const writesUntilRetry = 16;
/** Where all had room, never: no connection makes as many calls. */
const noRetry = 2 ** 31 - 1;

/** Bytes that are kept for all connections, by what they say. */
const lasting = new Map<string, Uint8Array>();
/** Of so many lists at most. */
const mostLasting = 2000;

/** Where connections have put the same into their tables, a list is the same bytes on all of them. */
function lastingBytes({ buffer, end }: ByteTarget, start: number): Uint8Array {
  const text = buffer.toString("latin1", start, end);
  let bytes = lasting.get(text);
  if (bytes === undefined) {
    bytes = Uint8Array.prototype.slice.call(buffer, start, end);
    if (lasting.size < mostLasting) lasting.set(text, bytes);
  }
  return bytes;
}

/** Writes the bytes of the last time for as long as the table is the same. */
export class CachedFields implements RepeatedFields {
  readonly #encoder: RepeatedFieldsEncoder;
  readonly #fields: FieldPairs;
  #bytes: Uint8Array | undefined;
  #generation = 0;
  #writesLeft = 0;

  constructor(encoder: RepeatedFieldsEncoder, fields: FieldPairs) {
    this.#encoder = encoder;
    this.#fields = fields;
  }

  write(target: ByteTarget): void {
    const bytes = this.#bytes;
    if (bytes === undefined || this.#generation !== this.#encoder.generation || this.#writesLeft === 0) {
      this.#encode(target);
      return;
    }
    this.#writesLeft--;
    target.reserve(bytes.length);
    const { buffer, end } = target;
    for (let i = 0; i < bytes.length; i++) buffer[end + i] = bytes[i]!;
    target.end = end + bytes.length;
  }

  #encode(target: ByteTarget): void {
    const generation = this.#encoder.generation;
    const start = target.end;
    let isWhole = true;
    for (const [name, value] of this.#fields) {
      if (!this.#encoder.repeatedField(target, name, value)) isWhole = false;
    }
    // Bytes that put something into the table are right once.
    const isLasting = this.#encoder.generation === generation && target.end > start;
    this.#bytes = isLasting ? lastingBytes(target, start) : undefined;
    this.#generation = generation;
    this.#writesLeft = isWhole ? noRetry : writesUntilRetry;
  }
}
