import { type Compression, compresses, type Encoding, markCompressed } from "../../compression.js";
import type { Codec, Traffic } from "../../contract.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { encodeMessage, notEncodable, tooLongToSend } from "../codec.js";
import type { Bucket, Expiring } from "./deadline-wheel.js";
import { Flag, FrameType, frameHeaderBytes } from "./frames.js";
import { compress, decompress } from "./message-encoding.js";
import { MessageWriter } from "./message-writer.js";
import { writeFrameHeader } from "./output.js";
import type { ReceivingStream } from "./receive-windows.js";
import type { Session } from "./session.js";

/** Of a message on the wire: whether it is compressed, and its length (PROTOCOL-HTTP2, Length-Prefixed-Message). */
const prefixBytes = 5;

/** What a message that has just begun is made room for: to announce a long one costs its sender nothing. */
const firstBytes = 256;

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

/** What has come and was not asked for yet. Its bytes are never moved: messages may have views of them. */
interface Backlog {
  buffer: Buffer;
  start: number;
  end: number;
}

/** One call on a connection: its messages both ways, their flow control and its deadline; the same at both ends. */
export abstract class Stream implements ReceivingStream, Expiring {
  id = 0;
  readonly session: Session;
  /** The call is over for whoever it was reported to. */
  isDone = false;
  sentBytes = 0;
  receivedBytes = 0;

  // ── Its place in the deadline wheel ──
  bucket: Bucket | undefined = undefined;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;

  // ── What comes ──
  receiveWindow = 0;
  heldBytes = 0;
  grantedBytes = 0;
  /** How the peer compresses what it says is compressed. */
  protected receivedEncoding: Encoding = "identity";
  /** The peer has ended its half. */
  isReadClosed = false;
  /** All that has come was given on, the end as well. */
  #isAllRead = false;
  #credit = 0;
  #prefixLength = 0;
  #prefixFlag = 0;
  #length = 0;
  /** Of the message that is coming. */
  #body: Buffer | undefined = undefined;
  #bodyLength = 0;
  #backlog: Backlog | undefined = undefined;
  #isInflating = false;

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

  constructor(session: Session) {
    this.session = session;
  }

  /** What the peer's messages are. */
  protected abstract get receivedCodec(): Codec<never, unknown>;
  protected abstract get receiveLimit(): number;
  protected abstract onMessage(message: unknown): void;
  /** After the last message, where the peer has ended its half. */
  protected abstract onAllRead(): void;
  protected abstract onWritable(): void;
  /** What came cannot be read: it is too long, cut short, or no message. */
  protected abstract onUnreadable(error: RpcError): void;
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

  // ── What comes ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets `n` more messages come. */
  read(n: number): void {
    this.#credit += n;
    if (this.#backlog !== undefined) this.#readBacklog();
  }

  /** Part of the data of the stream, wherever its frames and chunks begin and end. */
  onData(chunk: Buffer, start: number, end: number): void {
    const at = this.#backlog === undefined ? this.#readMessages(chunk, start, end) : start;
    if (at < end && !this.isDone) this.#keep(chunk, at, end);
  }

  /** The peer has ended its half. */
  onDataEnd(): void {
    this.isReadClosed = true;
    this.#endIfAllRead();
  }

  get missingBytes(): number {
    return this.#body === undefined ? 0 : this.#length - this.#bodyLength;
  }

  /** As many messages as are wanted; where the next begins that is not. */
  #readMessages(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.isDone) {
      if (this.#body !== undefined) {
        at += this.#fillBody(chunk, at, end);
        continue;
      }
      if (this.#credit === 0 || this.#isInflating) return at;
      if (this.#prefixLength === 0 && end - at >= prefixBytes) {
        this.#prefixFlag = chunk[at]!;
        this.#length = chunk.readUInt32BE(at + 1);
        at += prefixBytes;
      } else {
        this.#onPrefixByte(chunk[at++]!);
        if (this.#prefixLength > 0) continue;
      }
      if (!this.#mayCome()) return end;
      this.#credit--;
      const length = this.#length;
      if (end - at >= length) {
        this.#onMessageBytes(ownBytes(chunk, at, at + length));
        at += length;
      } else {
        this.#body = Buffer.allocUnsafeSlow(Math.min(length, Math.max(firstBytes, 2 * (end - at))));
        this.#bodyLength = 0;
        at += this.#fillBody(chunk, at, end);
        this.session.receive.expect(this);
      }
    }
    return at;
  }

  #onPrefixByte(byte: number): void {
    if (this.#prefixLength === 0) {
      this.#prefixFlag = byte;
      this.#length = 0;
    } else {
      this.#length = ((this.#length << 8) | byte) >>> 0;
    }
    this.#prefixLength = (this.#prefixLength + 1) % prefixBytes;
  }

  #mayCome(): boolean {
    const length = this.#length;
    if (length > this.receiveLimit) {
      this.onUnreadable(this.tooLong(length));
      return false;
    }
    if (this.#prefixFlag > 1 || (this.#prefixFlag === 1 && this.receivedEncoding === "identity")) {
      const why =
        this.#prefixFlag > 1 ? `its first byte is ${this.#prefixFlag}` : "it is compressed, and nobody said with what";
      this.onUnreadable(new RpcError(Code.INTERNAL, `a message cannot be read: ${why}`));
      return false;
    }
    return true;
  }

  protected abstract tooLong(bytes: number): RpcError;

  #fillBody(chunk: Buffer, start: number, end: number): number {
    let body = this.#body!;
    const length = Math.min(this.#length - this.#bodyLength, end - start);
    if (this.#bodyLength + length > body.length) {
      const size = Math.min(this.#length, Math.max(2 * body.length, this.#bodyLength + length));
      const larger = Buffer.allocUnsafeSlow(size);
      body.copy(larger, 0, 0, this.#bodyLength);
      body = larger;
      this.#body = larger;
    }
    chunk.copy(body, this.#bodyLength, start, start + length);
    this.#bodyLength += length;
    if (this.#bodyLength < this.#length) {
      this.session.receive.hold(this, length);
    } else {
      this.#body = undefined;
      this.session.receive.release(this, this.#bodyLength - length);
      this.session.receive.onMessage(this);
      this.#onMessageBytes(body);
    }
    return length;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const length = end - start;
    this.session.receive.hold(this, length);
    const backlog = this.#backlog;
    if (backlog === undefined) {
      this.#backlog = { buffer: Buffer.from(chunk.subarray(start, end)), start: 0, end: length };
      return;
    }
    if (backlog.end + length > backlog.buffer.length) {
      const kept = backlog.end - backlog.start;
      const larger = Buffer.allocUnsafeSlow(2 * (kept + length));
      backlog.buffer.copy(larger, 0, backlog.start, backlog.end);
      backlog.buffer = larger;
      backlog.start = 0;
      backlog.end = kept;
    }
    chunk.copy(backlog.buffer, backlog.end, start, end);
    backlog.end += length;
  }

  #readBacklog(): void {
    const backlog = this.#backlog;
    if (backlog === undefined || this.isDone) return;
    const { buffer, start, end } = backlog;
    // What is read may ask for more.
    this.#backlog = undefined;
    const at = this.#readMessages(buffer, start, end);
    this.session.receive.release(this, at - start);
    if (at < end) {
      this.#backlog = { buffer, start: at, end };
      if (this.#credit > 0 && !this.#isInflating) this.#readBacklog();
    } else {
      this.#endIfAllRead();
    }
    if (!this.isReadClosed) this.session.receive.replenish(this);
  }

  #endIfAllRead(): void {
    if (!this.isReadClosed || this.#backlog !== undefined || this.#isInflating || this.isDone || this.#isAllRead)
      return;
    if (this.#body !== undefined || this.#prefixLength > 0) {
      const what = this.#body === undefined ? "" : ` after ${this.#bodyLength} of ${this.#length} bytes`;
      this.onUnreadable(new RpcError(Code.INTERNAL, `the last message was cut short${what}`));
    } else {
      this.#isAllRead = true;
      this.onAllRead();
    }
  }

  #onMessageBytes(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    if (this.#prefixFlag === 0) this.#decode(bytes, false);
    else this.#inflate(bytes);
  }

  #inflate(bytes: Uint8Array): void {
    this.#isInflating = true;
    this.session.receive.hold(this, bytes.length);
    decompress(this.receivedEncoding, bytes, this.receiveLimit, (error, inflated) => {
      this.#isInflating = false;
      this.session.receive.release(this, bytes.length);
      if (this.isDone) return;
      if (error !== undefined) this.onUnreadable(error);
      else this.#decode(inflated, true);
      if (this.#backlog === undefined) this.#endIfAllRead();
      else this.#readBacklog();
      if (!this.isReadClosed) this.session.receive.replenish(this);
    });
  }

  #decode(bytes: Uint8Array, wasCompressed: boolean): void {
    let message: unknown;
    try {
      message = this.receivedCodec.decode(bytes);
    } catch (cause) {
      this.onUnreadable(this.unreadable(cause));
      return;
    }
    if (wasCompressed) markCompressed(message as object);
    this.onMessage(message);
  }

  protected abstract unreadable(cause: unknown): RpcError;

  // ── What is sent ──────────────────────────────────────────────────────────────────────────────────────────────────

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

/** Where a message stands in its frame. */
export const messageAt: number = frameHeaderBytes + prefixBytes;

function writePrefix(buffer: Buffer, at: number, isCompressed: boolean, length: number): void {
  buffer[at] = isCompressed ? 1 : 0;
  buffer[at + 1] = length >>> 24;
  buffer[at + 2] = length >>> 16;
  buffer[at + 3] = length >>> 8;
  buffer[at + 4] = length;
}

/**
 * A message of its own: a decoded one may keep a view of the bytes that it came in, and what is small must not hold on to
 * all that came with it.
 */
function ownBytes(chunk: Buffer, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length * 4 >= chunk.buffer.byteLength) return chunk.subarray(start, end);
  if (length > 64) return Buffer.from(chunk.subarray(start, end));
  const copy = new Uint8Array(length);
  for (let i = 0; i < length; i++) copy[i] = chunk[start + i]!;
  return copy;
}
