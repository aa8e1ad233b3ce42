import { BlockReader } from "./block-reader.js";
import { DynamicTable, defaultTableBytes } from "./dynamic-table.js";
import { HeaderField } from "./field.js";
import { HpackError } from "./hpack-error.js";
import { indexed, indexedLiteral, neverIndexedLiteral, plainLiteral, sizeUpdate } from "./representation.js";
import { sharedField } from "./shared-fields.js";
import { firstDynamicIndex, staticFields } from "./static-table.js";

export { HpackError } from "./hpack-error.js";

/** Takes the fields of a header block, in their order. */
export interface FieldSink {
  onField(field: HeaderField): void;
}

/** For the rest of a block whose sink has thrown: the table needs it all the same. */
const deafSink: FieldSink = { onField() {} };

/** One for all connections: a block is read in one go. */
const reader = new BlockReader();

/** Decodes the header blocks of one connection, in the order in which they came (RFC 7541, section 3). */
export class HpackDecoder {
  /**
   * What the peer's encoder has in its table too.
   * @internal
   */
  readonly table: DynamicTable = new DynamicTable(defaultTableBytes);
  readonly #maxTableBytes: number;
  /** The largest size that the peer may choose now. */
  #limit: number;
  #isReductionDue = false;

  /**
   * @param maxTableBytes What this end announces as SETTINGS_HEADER_TABLE_SIZE. A table has 4,096 bytes at first, whatever
   * is announced, and it is the peer that chooses another size, once it knows of this one.
   */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = maxTableBytes;
    this.#limit = Math.max(maxTableBytes, defaultTableBytes);
  }

  /**
   * The peer has acknowledged the SETTINGS with `maxTableBytes`: from now on it must keep to it. Where that is less than
   * its table has, its next block must begin by saying so (RFC 9113, section 4.3.1). Without this call, sizes up to 4,096
   * are right, as they are before the peer has seen the settings.
   */
  settingsAcknowledged(): void {
    this.#limit = this.#maxTableBytes;
    this.#isReductionDue = this.table.maxBytes > this.#limit;
  }

  /**
   * Decodes one whole header block, bytes [start, end) of `block`, of which it keeps no view.
   *
   * Throws an HpackError where the block breaks a rule of RFC 7541: then the connection has to end. What the sink throws
   * comes out once the whole block has been read: the table is right, and the sink has heard of no further field.
   */
  decode(block: Buffer, start: number, end: number, sink: FieldSink): void {
    reader.open(block, start, end);
    try {
      this.#readSizeUpdates();
      this.#readFields(block, sink);
    } finally {
      reader.close();
    }
  }

  #readFields(block: Buffer, sink: FieldSink): void {
    const { end } = reader;
    let hearing = sink;
    let failure: { readonly error: unknown } | undefined;
    while (reader.at < end) {
      const first = block[reader.at]!;
      let field: HeaderField;
      if (first < indexed.bits) field = this.#literal(first);
      else if (first < 0xff) {
        reader.at++;
        field = this.#indexedField(first & indexed.limit);
      } else field = this.#indexedField(reader.integer(indexed.limit));
      try {
        hearing.onField(field);
      } catch (error) {
        failure = { error };
        hearing = deafSink;
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  /** Section 2.3.3. */
  #indexedField(index: number): HeaderField {
    const field = index < firstDynamicIndex ? staticFields[index] : this.table.at(index - firstDynamicIndex);
    if (field !== undefined) return field;
    throw new HpackError(
      index === 0
        ? "a header block has a field with index 0"
        : `a header block has a field with index ${index}, and the tables have ${firstDynamicIndex - 1 + this.table.length}`,
    );
  }

  /** Section 6.2. */
  #literal(first: number): HeaderField {
    if (first >= indexedLiteral.bits) {
      const name = this.#literalName(indexedLiteral.limit);
      const field = sharedField(name, reader.value());
      this.table.insert(field);
      return field;
    }
    if (first >= sizeUpdate.bits) throw new HpackError("a header block changes the size of the table behind a field");
    const name = this.#literalName(plainLiteral.limit);
    return new HeaderField(name, reader.value(), first >= neverIndexedLiteral.bits);
  }

  #literalName(limit: number): string {
    const index = reader.integer(limit);
    return index === 0 ? reader.name() : this.#indexedField(index).name;
  }

  /**
   * Section 4.2: they come first in a block. Two are enough for any change, but Netty writes one for each SETTINGS frame,
   * and more do no harm.
   */
  #readSizeUpdates(): void {
    while (reader.at < reader.end && (reader.bytes[reader.at]! & ~sizeUpdate.limit) === sizeUpdate.bits) {
      const bytes = reader.integer(sizeUpdate.limit);
      if (bytes > this.#limit) {
        throw new HpackError(`a header block sets the table to ${bytes} bytes, and ${this.#limit} were announced`);
      }
      this.table.resize(bytes);
      this.#isReductionDue &&= bytes > this.#maxTableBytes;
    }
    if (this.#isReductionDue) {
      throw new HpackError(
        `a header block leaves the table at ${this.table.maxBytes} bytes; ${this.#limit} were announced`,
      );
    }
  }
}
