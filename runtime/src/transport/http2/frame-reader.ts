import { ConnectionError, ErrorCode, Flag, FrameType, frameHeaderBytes } from "./frames.js";

/** A frame of which a part has come; one object from its first byte to its last. */
interface PartialFrame {
  buffer: Buffer;
  /** So many of the buffer have come. */
  bytes: number;
  /** How many there will be, as far as that is known: those of its header at first. */
  wholeBytes: number;
}

/**
 * Cuts what comes on a socket into frames, where they stand in its chunks. The payload of DATA is given on as it comes,
 * however long the frame is; other frames are waited for.
 */
export abstract class FrameReader {
  /** What the peer has to begin with; undefined once it has. */
  #preface: Buffer | undefined;
  #partial: PartialFrame | undefined;
  /** Of the payload that is given on as it comes. */
  #payloadLeft = 0;

  constructor(preface: Buffer | undefined) {
    this.#preface = preface;
  }

  /** Bytes of DATA that are to be given on yet, of the frame that is coming. */
  protected get payloadLeft(): number {
    return this.#payloadLeft;
  }

  /** A frame that has to be whole before it is looked at, and is not. */
  protected get partialFrame(): object | undefined {
    return this.#preface === undefined ? this.#partial : undefined;
  }

  /** Nothing more is wanted. */
  protected abstract get isClosed(): boolean;
  /** @throws ConnectionError for a frame that may not come, before any of its payload is looked at */
  protected abstract checkFrame(length: number, type: number, streamId: number): void;
  /** Its payload comes in pieces. */
  protected abstract onFrameHeader(type: number, flags: number, streamId: number, length: number): void;
  protected abstract onPiece(chunk: Buffer, start: number, end: number, isLast: boolean): void;
  /** A whole one. */
  protected abstract onFrame(
    type: number,
    flags: number,
    streamId: number,
    chunk: Buffer,
    start: number,
    end: number,
  ): void;

  /** @throws ConnectionError for what is against the protocol, or over a limit */
  protected read(chunk: Buffer): void {
    const bytes = this.#partial === undefined ? chunk : withPartial(this.#partial, chunk);
    if (bytes === undefined) return;
    if (this.#preface === undefined) this.#readFrames(bytes, 0);
    else this.#readPreface(this.#preface, bytes);
  }

  #readPreface(preface: Buffer, bytes: Buffer): void {
    const length = Math.min(preface.length, bytes.length);
    if (!bytes.subarray(0, length).equals(preface.subarray(0, length))) {
      throw new ConnectionError(ErrorCode.protocolError, "the client does not begin with the preface of HTTP/2");
    }
    if (bytes.length < preface.length) {
      this.#keep(bytes, 0, bytes.length + 1);
      return;
    }
    this.#preface = undefined;
    this.#partial = undefined;
    this.#readFrames(bytes, preface.length);
  }

  #readFrames(chunk: Buffer, start: number): void {
    let at = start;
    const end = chunk.length;
    let frameBytes = frameHeaderBytes;
    for (;;) {
      if (this.isClosed) return;
      if (this.#payloadLeft > 0) {
        const length = Math.min(this.#payloadLeft, end - at);
        this.#payloadLeft -= length;
        this.onPiece(chunk, at, at + length, this.#payloadLeft === 0);
        at += length;
      }
      if (end - at < frameHeaderBytes) break;
      const length = (chunk[at]! << 16) | (chunk[at + 1]! << 8) | chunk[at + 2]!;
      const type = chunk[at + 3]!;
      const flags = chunk[at + 4]!;
      const streamId = chunk.readUInt32BE(at + 5) & 0x7fffffff;
      this.checkFrame(length, type, streamId);
      const body = at + frameHeaderBytes;
      if ((type === FrameType.data && (flags & Flag.padded) === 0) || type > FrameType.continuation) {
        this.onFrameHeader(type, flags, streamId, length);
        this.#payloadLeft = length;
        at = body;
        // An empty frame has no piece that would come.
        if (length === 0) this.onPiece(chunk, at, at, true);
        continue;
      }
      if (end - body < length) {
        frameBytes += length;
        break;
      }
      this.onFrame(type, flags, streamId, chunk, body, body + length);
      at = body + length;
    }
    if (at < end) this.#keep(chunk, at, frameBytes);
    else this.#partial = undefined;
  }

  /** It may wait for long for the rest, which must not hold on to the whole chunk. */
  #keep(chunk: Buffer, start: number, wholeBytes: number): void {
    const buffer = Buffer.from(chunk.subarray(start));
    // What is at the start and was known in part before is the same frame.
    const same = start === 0 ? this.#partial : undefined;
    if (same === undefined) this.#partial = { buffer, bytes: buffer.length, wholeBytes };
    else Object.assign(same, { buffer, bytes: buffer.length, wholeBytes });
  }
}

/** All that there is, where that is a whole frame. One that dribbles in is copied a few times, not for each of its bytes. */
function withPartial(partial: PartialFrame, chunk: Buffer): Buffer | undefined {
  const { buffer } = partial;
  const bytes = partial.bytes + chunk.length;
  if (bytes >= partial.wholeBytes) return Buffer.concat([buffer.subarray(0, partial.bytes), chunk]);
  if (bytes > buffer.length) {
    partial.buffer = Buffer.allocUnsafeSlow(Math.min(partial.wholeBytes, 2 * bytes));
    buffer.copy(partial.buffer, 0, 0, partial.bytes);
  }
  chunk.copy(partial.buffer, partial.bytes);
  partial.bytes = bytes;
  return undefined;
}
