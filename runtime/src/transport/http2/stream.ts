import { type Compression, compresses, type Encoding } from "../../compression.js";
import type { Codec, Traffic } from "../../contract.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { encodeMessage, notEncodable, tooLongToSend } from "../codec.js";
import type { Bucket, Expiring } from "./deadline-wheel.js";
import { Flag, FrameType } from "./frames.js";
import { IncomingMessages } from "./incoming-messages.js";
import { compress } from "./message-encoding.js";
import { messageAt, prefixBytes, writePrefix } from "./message-prefix.js";
import { MessageWriter } from "./message-writer.js";
import { writeFrameHeader } from "./output.js";

const writer = new MessageWriter();

let isEncoding = false;

/**
 * Between the bytes of a message nothing else may be written.
 *
 * @throws RpcError INTERNAL where a message is half written: one of its getters, or its codec, is calling
 */
export function requireWholeMessages(): void {
  if (!isEncoding) return;
  const what =
    "no call can be made while a message is encoded: its codec or a getter of it has made one; make it before";
  throw new RpcError(Code.INTERNAL, what);
}

/** One call on a connection: its messages both ways, their flow control and its deadline; the same at both ends. */
export abstract class Stream extends IncomingMessages implements Expiring {
  sentBytes = 0;

  // ── Its place in the deadline wheel ──
  bucket: Bucket | undefined = undefined;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;

  // ── What is sent ──
  /** Bytes that the peer takes. */
  sendWindow = 0;
  /** Our half is closed, or will be when what is queued has left. */
  isWriteEnded = false;
  isWriteClosed = false;
  #queue: Uint8Array[] | undefined = undefined;
  #queuedBytes = 0;
  /** Of the first that is queued, so much has left. */
  #queueAt = 0;
  /** The first is being compressed. */
  #compressing: Uncompressed[] | undefined = undefined;
  /** Somebody was told to wait for `onWritable`. */
  #isHeld = false;

  protected abstract onWritable(): void;
  /** Whether our half ends with the last of its data, and nothing behind it. */
  protected abstract get endsWithData(): boolean;
  /** What was queued has left, and our half is to be closed. */
  protected abstract writeEnd(): void;
  /** Our half is closed. */
  protected abstract onWriteClosed(): void;
  abstract onDeadline(): void;

  traffic(): Traffic {
    return { sentBytes: this.sentBytes, receivedBytes: this.receivedBytes };
  }

  /**
   * Sends a message, or queues it where the peer takes no more now.
   *
   * @returns whether there is room for more
   * @throws RpcError where it cannot be encoded, or is too long; then nothing is sent
   */
  protected sendMessage<I>(
    codec: Codec<I, unknown>,
    message: I,
    maxBytes: number | undefined,
    compression: Compression | undefined,
  ): boolean {
    const { session } = this;
    const { output } = session;
    if (this.canWriteInto(codec, compression)) {
      output.open(roomyBytes);
      const at = output.end;
      const length = this.encodeAt(at + messageAt, codec, message, maxBytes);
      if (this.mayLeave(length)) {
        this.writeFrame(at, length, 0);
        return true;
      }
      this.takeOut(at, at + messageAt);
    } else {
      this.queueMessage(codec, message, maxBytes, compression);
    }
    return this.flow();
  }

  /** Whether a message can be encoded where it leaves from, without a buffer of its own. */
  protected canWriteInto(codec: Codec<never, unknown>, compression: Compression | undefined): boolean {
    return (
      codec.encodeInto !== undefined &&
      this.#queue === undefined &&
      this.#compressing === undefined &&
      (compression === undefined || compression.encoding === "identity") &&
      !this.session.output.isCongested
    );
  }

  /** @returns the length of the message, which stands at `at` then and is the end of the output */
  protected encodeAt<I>(at: number, codec: Codec<I, unknown>, message: I, maxBytes: number | undefined): number {
    requireWholeMessages();
    const { output } = this.session;
    const before = output.end;
    output.end = at;
    let length: number;
    isEncoding = true;
    try {
      writer.begin(output);
      codec.encodeInto!(message, writer);
      length = output.end - at;
    } catch (cause) {
      output.end = before;
      throw notEncodable(codec, cause);
    } finally {
      isEncoding = false;
    }
    if (maxBytes === undefined || length <= maxBytes) return length;
    output.end = before;
    throw tooLongToSend(codec, length, maxBytes);
  }

  /** Whether the peer takes a message of this length, in one frame. */
  protected mayLeave(length: number): boolean {
    const bytes = length + prefixBytes;
    return bytes <= this.sendWindow && bytes <= this.session.sendWindow && bytes <= this.session.maxFrameBytes;
  }

  /** The frame of a message that stands behind its place. */
  protected writeFrame(at: number, length: number, flags: number): void {
    const { buffer } = this.session.output;
    const bytes = length + prefixBytes;
    writePrefix(buffer, writeFrameHeader(buffer, at, bytes, FrameType.data, flags, this.id), false, length);
    this.sendWindow -= bytes;
    this.session.onDataSent(bytes);
    this.sentBytes += length;
  }

  /** Queues a message that stands at the end of the output after all; the output ends at `end` then. */
  protected takeOut(end: number, messageAt: number): void {
    const { output } = this.session;
    this.#enqueue(Buffer.from(output.buffer.subarray(messageAt, output.end)), false);
    output.end = end;
  }

  protected queueMessage<I>(
    codec: Codec<I, unknown>,
    message: I,
    maxBytes: number | undefined,
    compression: Compression | undefined,
  ): void {
    const bytes = encodeMessage(codec, message, maxBytes);
    const isCompressed = compression !== undefined && compresses(compression, message, bytes.length);
    if (isCompressed || this.#compressing !== undefined) {
      this.#compress({ bytes, encoding: isCompressed ? compression.encoding : undefined });
    } else {
      this.#enqueue(bytes, false);
    }
  }

  /** Sends of what is queued as much as may leave. Whether there is room for more then. */
  protected flow(): boolean {
    while (this.pump());
    this.#isHeld = this.hasQueued || this.session.output.isCongested;
    if (this.#isHeld) this.session.hold(this);
    return !this.#isHeld;
  }

  /** Ends our half, after what is queued. */
  protected endWriting(): void {
    if (this.isWriteEnded) return;
    this.isWriteEnded = true;
    if (!this.hasQueued) this.writeEnd();
  }

  /** Forgets what is queued: nobody wants it any more. */
  protected dropQueue(): void {
    this.session.queuedBytes -= this.#queuedBytes;
    this.#queuedBytes = 0;
    this.#queue = undefined;
    this.#queueAt = 0;
    this.#compressing = undefined;
    this.#isHeld = false;
  }

  get hasQueued(): boolean {
    return this.#queue !== undefined || this.#compressing !== undefined;
  }

  /** One frame of what is queued; whether one could leave. */
  pump(): boolean {
    const { session } = this;
    const queue = this.#queue;
    if (queue === undefined || session.output.isCongested) return false;
    const length = Math.min(this.#queuedBytes, this.sendWindow, session.sendWindow, session.maxFrameBytes);
    if (length <= 0) return false;
    const isLast = length === this.#queuedBytes && this.#compressing === undefined;
    const endsStream = isLast && this.isWriteEnded && this.endsWithData;
    session.output.frame(length, FrameType.data, endsStream ? Flag.endStream : 0, this.id);
    this.#writeQueued(queue, length);
    this.sendWindow -= length;
    session.onDataSent(length, length < this.#queuedBytes);
    session.queuedBytes -= length;
    this.#queuedBytes -= length;
    if (this.#queuedBytes > 0) return true;
    this.#queue = undefined;
    if (endsStream) this.onWriteClosed();
    else if (isLast && this.isWriteEnded) this.writeEnd();
    return false;
  }

  /** There may be room again; whether it waits on. */
  onRoom(): boolean {
    if (this.hasQueued || this.session.output.isCongested) return true;
    if (this.#isHeld) {
      this.#isHeld = false;
      if (!this.isDone) this.onWritable();
    }
    // It may have sent more than there was room for.
    return this.#isHeld;
  }

  #writeQueued(queue: Uint8Array[], length: number): void {
    const { output } = this.session;
    let left = length;
    while (left > 0) {
      const first = queue[0]!;
      const part = Math.min(left, first.length - this.#queueAt);
      output.bytes(first, this.#queueAt, this.#queueAt + part);
      left -= part;
      this.#queueAt += part;
      if (this.#queueAt < first.length) return;
      queue.shift();
      this.#queueAt = 0;
    }
  }

  #enqueue(bytes: Uint8Array, isCompressed: boolean): void {
    const prefix = Buffer.allocUnsafe(prefixBytes);
    writePrefix(prefix, 0, isCompressed, bytes.length);
    this.#queue ??= [];
    this.#queue.push(prefix);
    if (bytes.length > 0) this.#queue.push(bytes);
    this.sentBytes += bytes.length;
    this.#queuedBytes += prefixBytes + bytes.length;
    this.session.queuedBytes += prefixBytes + bytes.length;
  }

  // Messages that come while one is being compressed wait behind it.

  #compress(message: Uncompressed): void {
    if (this.#compressing !== undefined) {
      this.#compressing.push(message);
      return;
    }
    this.#compressing = [message];
    this.#compressNext();
  }

  #compressNext(): void {
    const list = this.#compressing;
    if (list === undefined) return;
    const next = list[0];
    if (next === undefined) {
      this.#compressing = undefined;
      return;
    }
    const done = (bytes: Uint8Array, isCompressed: boolean) => {
      if (this.#compressing !== list) return;
      list.shift();
      this.#enqueue(bytes, isCompressed);
      this.#compressNext();
    };
    if (next.encoding === undefined) {
      done(next.bytes, false);
      return;
    }
    let isAtOnce = true;
    compress(next.encoding, next.bytes, (error, compressed) => {
      // What cannot be compressed is sent as it is.
      done(compressed, error === undefined);
      if (isAtOnce || this.isWriteClosed) return;
      while (this.pump());
      this.session.hold(this);
    });
    isAtOnce = false;
  }
}

interface Uncompressed {
  readonly bytes: Uint8Array;
  readonly encoding: Encoding | undefined;
}

/** Most messages fit: the room that is made for one before its length is known. */
const roomyBytes = 1024;
