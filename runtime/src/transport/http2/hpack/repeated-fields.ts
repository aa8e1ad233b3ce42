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
    this.#bytes = isLasting ? Uint8Array.prototype.slice.call(target.buffer, start, target.end) : undefined;
    this.#generation = generation;
    this.#writesLeft = isWhole ? Number.POSITIVE_INFINITY : writesUntilRetry;
  }
}
