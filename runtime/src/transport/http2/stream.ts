import { type Compression, compresses } from "../../compression.js";
import type { Codec, Traffic } from "../../contract.js";
import { noDeadline } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { encodeMessage, notEncodable, tooLongToSend } from "../codec.js";
import { CallDeadline, deadlines } from "./deadline-wheel.js";
import { Flag, FrameType } from "./frames.js";
import { IncomingMessages } from "./incoming-messages.js";
import { messageAt, prefixBytes, writePrefix } from "./message-prefix.js";
import { MessageWriter } from "./message-writer.js";
import { OutgoingQueue, type QueueOwner } from "./outgoing-queue.js";
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
export abstract class Stream extends IncomingMessages implements QueueOwner {
  sentBytes = 0;

  #deadline: CallDeadline | undefined = undefined;

  // ── What is sent ──
  /** Bytes that the peer takes. */
  sendWindow = 0;
  /** Our half: ended when nothing more is taken, closed when what was taken has left, the end as well. */
  protected writing: "open" | "ended" | "closed" = "open";
  /** Undefined where nothing waits. */
  #queue: OutgoingQueue | undefined = undefined;
  /** Somebody was told to wait for `onWritable`. */
  #isHeld = false;

  get isWriteEnded(): boolean {
    return this.writing !== "open";
  }

  get isWriteClosed(): boolean {
    return this.writing === "closed";
  }

  protected stopWriting(): void {
    if (this.writing === "open") this.writing = "ended";
  }

  /** Closes both halves: the peer knows of it, or is told otherwise. */
  close(): void {
    this.closeReading();
    this.writing = "closed";
  }

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

  /** Monotonic milliseconds. */
  get deadline(): number {
    return this.#deadline?.time ?? noDeadline;
  }

  protected limitTime(deadline: number, now: number): void {
    this.#deadline = new CallDeadline(this, deadline);
    deadlines.add(this.#deadline, deadline, now);
  }

  /** It has ended. */
  protected stopTime(): void {
    if (this.#deadline !== undefined) deadlines.remove(this.#deadline);
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
    this.#queue ??= new OutgoingQueue(this);
    this.#queue.add(Buffer.from(output.buffer.subarray(messageAt, output.end)), undefined);
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
    this.#queue ??= new OutgoingQueue(this);
    this.#queue.add(bytes, isCompressed ? compression.encoding : undefined);
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
    this.writing = "ended";
    if (!this.hasQueued) this.writeEnd();
  }

  /** Forgets what is queued: nobody wants it any more. */
  protected dropQueue(): void {
    this.#isHeld = false;
    if (this.#queue === undefined) return;
    this.session.queuedBytes -= this.#queue.bytes;
    this.#queue.drop();
    this.#queue = undefined;
  }

  get hasQueued(): boolean {
    return this.#queue !== undefined;
  }

  /** One frame of what is queued; whether one could leave. */
  pump(): boolean {
    const { session } = this;
    const queue = this.#queue;
    if (queue === undefined || session.output.isCongested) return false;
    const length = Math.min(queue.bytes, this.sendWindow, session.sendWindow, session.maxFrameBytes);
    if (length <= 0) return false;
    const isLast = length === queue.bytes && !queue.isCompressing;
    const endsStream = isLast && this.isWriteEnded && this.endsWithData;
    session.output.frame(length, FrameType.data, endsStream ? Flag.endStream : 0, this.id);
    queue.write(session.output, length);
    this.sendWindow -= length;
    session.onDataSent(length, queue.bytes > 0);
    session.queuedBytes -= length;
    if (!isLast) return queue.bytes > 0;
    this.#queue = undefined;
    if (endsStream) this.onWriteClosed();
    else if (this.isWriteEnded) this.writeEnd();
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

  onQueued(messageBytes: number, bytes: number): void {
    this.sentBytes += messageBytes;
    this.session.queuedBytes += bytes;
  }

  onCompressed(): void {
    if (!this.isWriteClosed) this.session.resume(this);
  }
}

/** Most messages fit: the room that is made for one before its length is known. */
const roomyBytes = 1024;
