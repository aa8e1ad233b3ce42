import { type Encoding, markCompressed } from "../../compression.js";
import type { Codec } from "../../contract.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { decompress } from "./message-encoding.js";
import { prefixBytes } from "./message-prefix.js";
import { PartialMessage } from "./partial-message.js";
import type { ReceivingStream } from "./receive-windows.js";
import type { Session } from "./session.js";

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
  /** How the peer compresses what it says is compressed; undefined until its headers have come. */
  protected receivedEncoding: Encoding | undefined = undefined;
  /** The peer's half: closed when all of it has come, read when all of it was given on, the end as well. */
  #reading: "open" | "closed" | "read" = "open";
  /** Messages that may come. */
  #credit = 0;
  #partial: PartialMessage | undefined = undefined;
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

  /** The peer has ended its half. */
  get isReadClosed(): boolean {
    return this.#reading !== "open";
  }

  closeReading(): void {
    if (this.#reading === "open") this.#reading = "closed";
  }

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
    if (this.missingBytes > 0 && !this.isReadClosed && !this.isDone) this.session.receive.expect(this);
  }

  /** The peer has ended its half. */
  onDataEnd(): void {
    this.closeReading();
    this.#endIfAllRead();
  }

  get missingBytes(): number {
    return this.#partial?.hasBody === true ? this.#partial.missingBytes : 0;
  }

  /** As many messages as are wanted; where the next begins that is not. */
  #readMessages(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.isDone) {
      if (this.#partial?.hasBody === true) {
        at += this.#fillBody(this.#partial, chunk, at, end);
        continue;
      }
      if (this.#credit === 0 || this.#isInflating) return at;
      let flag: number;
      let length: number;
      if (this.#partial === undefined && end - at >= prefixBytes) {
        flag = chunk[at]!;
        length = chunk.readUInt32BE(at + 1);
        at += prefixBytes;
      } else {
        this.#partial ??= new PartialMessage();
        if (!this.#partial.addToPrefix(chunk[at++]!)) continue;
        ({ flag, length } = this.#partial);
      }
      if (!this.#mayCome(flag, length)) return end;
      this.#credit--;
      if (end - at >= length) {
        this.#partial = undefined;
        this.#onMessageBytes(flag, ownBytes(chunk, at, at + length));
        at += length;
      } else {
        this.#partial ??= new PartialMessage();
        this.#partial.beginBody(flag, length, end - at);
        at += this.#fillBody(this.#partial, chunk, at, end);
      }
    }
    return at;
  }

  #mayCome(flag: number, length: number): boolean {
    if (length > this.receiveLimit) {
      this.onUnreadable(this.tooLong(length));
      return false;
    }
    if (flag > 1 || (flag === 1 && (this.receivedEncoding ?? "identity") === "identity")) {
      const why = flag > 1 ? `its first byte is ${flag}` : "it is compressed, and nobody said with what";
      this.onUnreadable(new RpcError(Code.INTERNAL, `a message cannot be read: ${why}`));
      return false;
    }
    return true;
  }

  #fillBody(message: PartialMessage, chunk: Buffer, start: number, end: number): number {
    const length = message.addToBody(chunk, start, end);
    if (message.missingBytes > 0) {
      this.session.receive.hold(this, length);
    } else {
      this.#partial = undefined;
      this.session.receive.release(this, message.length - length);
      this.session.receive.onMessage(this);
      this.#onMessageBytes(message.flag, message.body);
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
    if (this.#reading !== "closed" || this.#backlog !== undefined || this.#isInflating || this.isDone) return;
    const message = this.#partial;
    if (message !== undefined) {
      const what = message.hasBody ? ` after ${message.bodyLength} of ${message.length} bytes` : "";
      this.onUnreadable(new RpcError(Code.INTERNAL, `the last message was cut short${what}`));
    } else {
      this.#reading = "read";
      this.onAllRead();
    }
  }

  #onMessageBytes(flag: number, bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    if (flag === 0) this.#decode(bytes, false);
    else this.#inflate(bytes);
  }

  #inflate(bytes: Uint8Array): void {
    this.#isInflating = true;
    this.session.receive.hold(this, bytes.length);
    decompress(this.receivedEncoding ?? "identity", bytes, this.receiveLimit, (error, inflated) => {
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
