import { type Encoding, markCompressed } from "../../compression.js";
import type { Codec } from "../../contract.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { decompress } from "./message-encoding.js";
import { prefixBytes } from "./message-prefix.js";
import type { ReceivingStream } from "./receive-windows.js";
import type { Session } from "./session.js";

/** What a message that has just begun is made room for: to announce a long one costs its sender nothing. */
const firstBytes = 256;

/** What has come and was not asked for yet. Its bytes are never moved: messages may have views of them. */
interface Backlog {
  buffer: Buffer;
  start: number;
  end: number;
}

/** The half of a stream that comes: messages are taken apart as they are asked for, and not before. */
export abstract class IncomingMessages implements ReceivingStream {
  id = 0;
  readonly session: Session;
  /** The call is over for whoever it was reported to. */
  isDone = false;
  receivedBytes = 0;
  receiveWindow = 0;
  heldBytes = 0;
  grantedBytes = 0;
  /** The peer has ended its half. */
  isReadClosed = false;
  /** How the peer compresses what it says is compressed. */
  protected receivedEncoding: Encoding = "identity";
  /** All that has come was given on, the end as well. */
  #isAllRead = false;
  /** Messages that may come. */
  #credit = 0;
  #prefixLength = 0;
  #prefixFlag = 0;
  #length = 0;
  /** Of the message that is coming. */
  #body: Buffer | undefined = undefined;
  #bodyLength = 0;
  #backlog: Backlog | undefined = undefined;
  #isInflating = false;

  constructor(session: Session) {
    this.session = session;
  }

  /** What the peer's messages are. */
  protected abstract get receivedCodec(): Codec<never, unknown>;
  /** Bytes; a longer message is not taken. */
  protected abstract get receiveLimit(): number;
  protected abstract onMessage(message: unknown): void;
  /** After the last message, where the peer has ended its half. */
  protected abstract onAllRead(): void;
  /** What came cannot be read: it is too long, cut short, or no message. */
  protected abstract onUnreadable(error: RpcError): void;
  protected abstract tooLong(bytes: number): RpcError;
  protected abstract unreadable(cause: unknown): RpcError;

  /** Lets `n` more messages come. */
  read(n: number): void {
    this.#credit += n;
    if (this.#backlog !== undefined) this.#readBacklog();
  }

  /** Part of the data of the stream, wherever its frames and chunks begin and end. */
  onData(chunk: Buffer, start: number, end: number): void {
    const at = this.#backlog === undefined ? this.#readMessages(chunk, start, end) : start;
    if (at < end && !this.isDone) this.#keep(chunk, at, end);
    this.#expectRest();
  }

  /** Of the message that is coming, once all that is held of it is counted. */
  #expectRest(): void {
    if (this.#body !== undefined && !this.isReadClosed && !this.isDone) this.session.receive.expect(this);
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
    this.#expectRest();
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
