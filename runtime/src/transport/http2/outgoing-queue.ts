import type { Encoding } from "../../compression.js";
import { compress } from "./message-encoding.js";
import { prefixBytes, writePrefix } from "./message-prefix.js";
import type { Output } from "./output.js";

/** A message that is being compressed, or waits behind one that is. */
interface Uncompressed {
  readonly message: Uint8Array;
  readonly encoding: Encoding | undefined;
}

/** The stream whose messages they are. */
export interface QueueOwner {
  /** A message is ready to leave: so many bytes of it, and so many with its prefix. */
  onQueued(messageBytes: number, bytes: number): void;
  /** A message was compressed meanwhile. */
  onCompressed(): void;
}

/** What a stream has to send and its peer does not take yet. Most streams, most of the time, have none. */
export class OutgoingQueue {
  readonly #owner: QueueOwner;
  /** Prefixes and messages. */
  readonly #parts: Uint8Array[] = [];
  /** Of the first part, so much has left. */
  #partAt = 0;
  /** That are ready to leave. */
  bytes = 0;
  /** Behind those; the first is being compressed. */
  readonly #uncompressed: Uncompressed[] = [];
  #isDropped = false;

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  get isCompressing(): boolean {
    return this.#uncompressed.length > 0;
  }

  /** @param encoding undefined where the message goes as it is */
  add(message: Uint8Array, encoding: Encoding | undefined): void {
    if (encoding === undefined && !this.isCompressing) {
      this.#enqueue(message, false);
    } else if (this.#uncompressed.push({ message, encoding }) === 1) {
      this.#compressNext();
    }
  }

  /** Takes the first bytes out, into the output. */
  write(output: Output, length: number): void {
    this.bytes -= length;
    let left = length;
    while (left > 0) {
      const first = this.#parts[0]!;
      const part = Math.min(left, first.length - this.#partAt);
      output.bytes(first, this.#partAt, this.#partAt + part);
      left -= part;
      this.#partAt += part;
      if (this.#partAt < first.length) return;
      this.#parts.shift();
      this.#partAt = 0;
    }
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.#isDropped = true;
  }

  #enqueue(message: Uint8Array, isCompressed: boolean): void {
    const prefix = Buffer.allocUnsafe(prefixBytes);
    writePrefix(prefix, 0, isCompressed, message.length);
    this.#parts.push(prefix);
    if (message.length > 0) this.#parts.push(message);
    const bytes = prefixBytes + message.length;
    this.bytes += bytes;
    this.#owner.onQueued(message.length, bytes);
  }

  #compressNext(): void {
    const next = this.#uncompressed[0];
    if (next === undefined) return;
    const done = (message: Uint8Array, isCompressed: boolean) => {
      this.#uncompressed.shift();
      this.#enqueue(message, isCompressed);
      this.#compressNext();
    };
    if (next.encoding === undefined) {
      done(next.message, false);
      return;
    }
    let isAtOnce = true;
    compress(next.encoding, next.message, (error, compressed) => {
      if (this.#isDropped) return;
      // What cannot be compressed is sent as it is.
      done(compressed, error === undefined);
      if (!isAtOnce) this.#owner.onCompressed();
    });
    isAtOnce = false;
  }
}
