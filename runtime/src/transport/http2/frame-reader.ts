import { ConnectionError, ErrorCode, Flag, FrameType, frameHeaderBytes } from "./frames.js";

/**
 * Cuts what comes on a socket into frames, where they stand in its chunks. The payload of DATA is given on as it comes,
 * however long the frame is; other frames are waited for.
 */
export abstract class FrameReader {
  /** What the peer has to begin with; undefined once it has. */
  #preface: Buffer | undefined;
  /** A frame that has come in part: so many bytes of the buffer. */
  #rest: Buffer | undefined;
  #restBytes = 0;
  /** Of that frame, as far as it tells. */
  #frameBytes = 0;
  /** Of the payload that is given on as it comes. */
  #payloadLeft = 0;

  constructor(preface: Buffer | undefined) {
    this.#preface = preface;
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
    const bytes = this.#rest === undefined ? chunk : this.#withRest(this.#rest, chunk);
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
      this.#keepRest(bytes, 0, bytes.length + 1);
      return;
    }
    this.#preface = undefined;
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
    if (at < end) this.#keepRest(chunk, at, frameBytes);
  }

  /** All that there is, where that is a whole frame. One that dribbles in is copied a few times, not for each of its bytes. */
  #withRest(rest: Buffer, chunk: Buffer): Buffer | undefined {
    const bytes = this.#restBytes + chunk.length;
    if (bytes >= this.#frameBytes) {
      this.#rest = undefined;
      return Buffer.concat([rest.subarray(0, this.#restBytes), chunk]);
    }
    let longer = rest;
    if (bytes > rest.length) {
      longer = Buffer.allocUnsafeSlow(Math.min(this.#frameBytes, 2 * bytes));
      rest.copy(longer, 0, 0, this.#restBytes);
    }
    chunk.copy(longer, this.#restBytes);
    this.#rest = longer;
    this.#restBytes = bytes;
    return undefined;
  }

  /** It may wait for long for the rest, which must not hold on to the whole chunk. */
  #keepRest(chunk: Buffer, start: number, frameBytes: number): void {
    this.#rest = Buffer.from(chunk.subarray(start));
    this.#restBytes = this.#rest.length;
    this.#frameBytes = frameBytes;
  }
}
