import { Allowance, type AllowanceTerms } from "./allowance.js";
import { DividedBlock } from "./divided-block.js";
import { FrameReader } from "./frame-reader.js";
import { ConnectionError, ErrorCode, Flag, FrameType } from "./frames.js";

/** What we take in one frame. Longer than the default: a message of 64 KB comes in one. */
export const receivedFrameBytes: number = 128 * 1024;

/** What costs us something and brings nobody forward. */
const overheadTerms: AllowanceTerms = { burst: 2000, perSecond: 200, what: "control frames" };

const priorityLength = "PRIORITY of another length than 5";

/**
 * Which frame may come after which, and in which form (RFC 9113, section 6). What is given on is well formed; whether it
 * means something on its stream is for others to say.
 */
export abstract class FrameRules extends FrameReader {
  protected readonly overhead: Allowance = new Allowance(overheadTerms);
  protected readonly maxListBytes: number;
  #hasSettings = false;
  /** The header block that is coming, where one does. */
  #block: DividedBlock | undefined;

  /** @param maxListBytes of a header list, as RFC 9113 (section 6.5.2) counts it */
  constructor(preface: Buffer | undefined, maxListBytes: number) {
    super(preface);
    this.maxListBytes = maxListBytes;
  }

  /** @param bytes with the padding, which windows count too */
  protected abstract onDataFrame(streamId: number, bytes: number, dataBytes: number, endsStream: boolean): void;
  /** Of a type that is not known (RFC 9113, section 5.5): its pieces mean nothing. */
  protected abstract onUnknownFrame(): void;
  /** A whole header block. */
  protected abstract onBlock(streamId: number, endsStream: boolean, block: Buffer, start: number, end: number): void;
  protected abstract onWindowUpdate(streamId: number, increment: number): void;
  protected abstract onRstStream(streamId: number, error: number): void;
  /** A stream with this number has never been. */
  protected abstract isIdle(streamId: number): boolean;
  /** Ends a stream over something that its peer has done (RFC 9113, section 5.4.2). */
  protected abstract resetStream(streamId: number, error: number, reason: string): void;
  protected abstract onSetting(setting: number, value: number): void;
  /** All of a frame of SETTINGS have been told. */
  protected abstract onAllSettings(): void;
  protected abstract onSettingsAcknowledged(): void;
  /** Whose answer has these 8 bytes. */
  protected abstract onPingFrame(chunk: Buffer, start: number, end: number): void;
  protected abstract onPingAnswer(): void;
  protected abstract onGoaway(lastStream: number, error: number, debug: string): void;

  protected checkFrame(length: number, type: number, streamId: number): void {
    if (length > receivedFrameBytes) {
      throw new ConnectionError(ErrorCode.frameSizeError, `a frame of ${length} bytes`);
    }
    const block = this.#block;
    if (block !== undefined && (type !== FrameType.continuation || streamId !== block.streamId)) {
      throw new ConnectionError(ErrorCode.protocolError, "a frame between those of a header block");
    }
    if (!this.#hasSettings && type !== FrameType.settings) {
      throw new ConnectionError(ErrorCode.protocolError, "the first frame is no SETTINGS");
    }
    if (type === FrameType.headers || type === FrameType.continuation) {
      if ((block?.bytes ?? 0) + length > this.#maxBlockBytes) {
        throw new ConnectionError(ErrorCode.enhanceYourCalm, `a header block of over ${this.#maxBlockBytes} bytes`);
      }
    }
    if (type > FrameType.continuation) this.overhead.spend();
  }

  /** A header block of which the last frame has not come. */
  protected get unfinishedBlock(): object | undefined {
    return this.#block;
  }

  /** Huffman coding makes of 5 bits a byte; indexes make much more, which is what the limit of the list is for. */
  get #maxBlockBytes(): number {
    return Math.max(16 * 1024, Math.min(this.maxListBytes, 2 ** 30) * 2);
  }

  protected onFrameHeader(type: number, flags: number, streamId: number, length: number): void {
    if (type === FrameType.data) {
      requireStream(streamId, "DATA");
      this.onDataFrame(streamId, length, length, (flags & Flag.endStream) !== 0);
    } else {
      this.onUnknownFrame();
    }
  }

  protected onFrame(type: number, flags: number, streamId: number, chunk: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.headers:
        this.#onHeaders(streamId, flags, chunk, start, end);
        return;
      case FrameType.continuation:
        this.#onContinuation(flags, chunk, start, end);
        return;
      case FrameType.windowUpdate:
        requireBytes(end - start, 4, "WINDOW_UPDATE");
        this.overhead.spend();
        this.onWindowUpdate(streamId, chunk.readUInt32BE(start) & 0x7fffffff);
        return;
      case FrameType.rstStream:
        requireStream(streamId, "RST_STREAM");
        requireBytes(end - start, 4, "RST_STREAM");
        this.onRstStream(streamId, chunk.readUInt32BE(start));
        return;
      case FrameType.settings:
        this.#onSettings(streamId, flags, chunk, start, end);
        return;
      case FrameType.ping:
        requireConnection(streamId, "PING");
        requireBytes(end - start, 8, "PING");
        if ((flags & Flag.ack) !== 0) {
          this.onPingAnswer();
          return;
        }
        this.overhead.spend();
        this.onPingFrame(chunk, start, end);
        return;
      case FrameType.goaway:
        this.#onGoaway(streamId, chunk, start, end);
        return;
      case FrameType.data:
        this.#onPaddedData(streamId, flags, chunk, start, end);
        return;
      case FrameType.priority:
        this.overhead.spend();
        requireStream(streamId, "PRIORITY");
        if (end - start === 5) return;
        // An idle stream cannot be reset.
        if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.frameSizeError, priorityLength);
        this.resetStream(streamId, ErrorCode.frameSizeError, priorityLength);
        return;
      default:
        throw new ConnectionError(ErrorCode.protocolError, "PUSH_PROMISE, which nobody has asked for");
    }
  }

  #onPaddedData(streamId: number, flags: number, chunk: Buffer, start: number, end: number): void {
    requireStream(streamId, "DATA");
    if (start === end) throw new ConnectionError(ErrorCode.frameSizeError, "padded DATA without a byte");
    const dataEnd = end - chunk[start]!;
    if (dataEnd <= start) throw new ConnectionError(ErrorCode.protocolError, "DATA with more padding than bytes");
    this.onDataFrame(streamId, end - start, dataEnd - start - 1, (flags & Flag.endStream) !== 0);
    this.onPiece(chunk, start + 1, dataEnd, true);
  }

  #onHeaders(streamId: number, flags: number, chunk: Buffer, frameStart: number, frameEnd: number): void {
    requireStream(streamId, "HEADERS");
    const isPadded = (flags & Flag.padded) !== 0;
    const start = frameStart + (isPadded ? 1 : 0) + ((flags & Flag.priority) === 0 ? 0 : 5);
    if (start > frameEnd) throw new ConnectionError(ErrorCode.frameSizeError, "HEADERS that are too short");
    const end = frameEnd - (isPadded ? chunk[frameStart]! : 0);
    if (start > end) throw new ConnectionError(ErrorCode.protocolError, "HEADERS with more padding than bytes");
    const endsStream = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) !== 0) {
      this.onBlock(streamId, endsStream, chunk, start, end);
      return;
    }
    this.#block = new DividedBlock(streamId, endsStream);
    this.#block.add(chunk, start, end);
  }

  #onContinuation(flags: number, chunk: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block === undefined) throw new ConnectionError(ErrorCode.protocolError, "CONTINUATION of nothing");
    block.add(chunk, start, end);
    if ((flags & Flag.endHeaders) === 0) return;
    this.#block = undefined;
    const whole = block.whole();
    this.onBlock(block.streamId, block.endsStream, whole, 0, whole.length);
  }

  #onSettings(streamId: number, flags: number, chunk: Buffer, start: number, end: number): void {
    requireConnection(streamId, "SETTINGS");
    if ((flags & Flag.ack) !== 0) {
      if (end > start) throw new ConnectionError(ErrorCode.frameSizeError, "an acknowledgement of SETTINGS with bytes");
      this.onSettingsAcknowledged();
      return;
    }
    if ((end - start) % 6 !== 0) throw new ConnectionError(ErrorCode.frameSizeError, "SETTINGS of a wrong length");
    this.overhead.spend();
    for (let at = start; at < end; at += 6) {
      // Each may move the windows of all streams.
      if (at > start) this.overhead.spend();
      this.onSetting(chunk.readUInt16BE(at), chunk.readUInt32BE(at + 2));
    }
    this.#hasSettings = true;
    this.onAllSettings();
  }

  #onGoaway(streamId: number, chunk: Buffer, start: number, end: number): void {
    requireConnection(streamId, "GOAWAY");
    if (end - start < 8) throw new ConnectionError(ErrorCode.frameSizeError, "GOAWAY of less than 8 bytes");
    this.overhead.spend();
    const lastStream = chunk.readUInt32BE(start) & 0x7fffffff;
    const debug = chunk.toString("latin1", start + 8, Math.min(end, start + 8 + 200)).replace(/[^\x20-\x7e]/g, "?");
    this.onGoaway(lastStream, chunk.readUInt32BE(start + 4), debug);
  }
}

function requireStream(streamId: number, what: string): void {
  if (streamId === 0) throw new ConnectionError(ErrorCode.protocolError, `${what} on stream 0`);
}

function requireConnection(streamId: number, what: string): void {
  if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, `${what} on a stream`);
}

function requireBytes(bytes: number, required: number, what: string): void {
  if (bytes === required) return;
  throw new ConnectionError(ErrorCode.frameSizeError, `${what} of another length than ${required}`);
}
