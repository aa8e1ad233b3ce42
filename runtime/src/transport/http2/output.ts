import type { Socket } from "node:net";
import type { ByteTarget } from "./byte-target.js";
import { FrameType, frameHeaderBytes } from "./frames.js";

/** A slab takes what a connection writes in one turn of the event loop; more than that leaves earlier. */
const slabBytes = 64 * 1024;

/** Longer than this, what is to be sent is not copied into the slab: it leaves as it is. */
const longestCopy = 8 * 1024;

/** Slabs that nobody writes to now. Connections that are idle have none: a process needs about as many as are busy at once. */
const spareSlabs: Buffer[] = [];
const mostSpareSlabs = 16;

/** One that is longer, for messages that do not fit in a slab: to make one each time takes as long as to fill it. */
let spareLong: Buffer | undefined;
const longestSpare = 1024 * 1024;

/** As it is when this is loaded: a test that fakes timers moves the deadlines of calls, and stops no call. */
const { setImmediate: nextTurn } = globalThis;

/** Outputs that have something to send in this turn. */
let due: Output[] = [];

/**
 * What a connection has yet to send. It is put together in one buffer and leaves once per turn of the event loop, so that
 * many calls share a system call.
 */
export class Output implements ByteTarget {
  buffer: Buffer = empty;
  end = 0;
  readonly #socket: Socket;
  /** Bytes before this have been given to the socket. */
  #start = 0;
  /** Whole buffers, and parts of slabs, that leave before what is in `buffer`. */
  #pieces: Buffer[] | undefined;
  #pieceBytes = 0;
  #isDue = false;
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that have not reached the kernel. */
  get pendingBytes(): number {
    return this.#pieceBytes + this.end - this.#start + this.#socket.writableLength;
  }

  /** Whether messages have to wait: the peer, or the network, is slower than those who write. */
  get isCongested(): boolean {
    if (this.#pieceBytes + this.end - this.#start >= slabBytes) this.flush();
    return this.#socket.writableNeedDrain;
  }

  /** What is there stays where it is in `buffer`: a message may be half written. */
  reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const { buffer } = this;
    this.buffer = takeLong(2 * (this.end + bytes));
    buffer.copy(this.buffer, this.#start, this.#start, this.end);
  }

  /** Before a frame: room for so many bytes, in another slab if need be. Whoever writes has called this first. */
  open(bytes: number): void {
    if (!this.#isDue) this.#schedule();
    if (this.end + bytes <= this.buffer.length) return;
    this.#cut();
    this.buffer = bytes > slabBytes ? takeLong(bytes) : takeSlab();
    this.#start = 0;
    this.end = 0;
  }

  /** Writes the header of a frame, with room for what `length` says. */
  frame(length: number, type: number, flags: number, streamId: number): void {
    this.open(frameHeaderBytes + Math.min(length, longestCopy));
    this.end = writeFrameHeader(this.buffer, this.end, length, type, flags, streamId);
  }

  uint32(value: number): void {
    this.reserve(4);
    this.end = this.buffer.writeUInt32BE(value, this.end);
  }

  /** Part of a frame: bytes that nobody may change any later; long ones are not copied. */
  bytes(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const length = end - start;
    if (length > longestCopy) {
      this.#cut();
      this.#addPiece(Buffer.from(bytes.buffer, bytes.byteOffset + start, length));
      return;
    }
    this.reserve(length);
    const { buffer } = this;
    let at = this.end;
    if (length < 64) for (let i = start; i < end; i++) buffer[at++] = bytes[i]!;
    else buffer.set(length === bytes.length ? bytes : bytes.subarray(start, end), at);
    this.end += length;
  }

  rstStream(streamId: number, code: number): void {
    this.frame(4, FrameType.rstStream, 0, streamId);
    this.uint32(code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.frame(4, FrameType.windowUpdate, 0, streamId);
    this.uint32(increment);
  }

  /** Gives all of it to the socket now. */
  flush(): void {
    if (this.#isClosed) return;
    const socket = this.#socket;
    if (this.#pieces === undefined) {
      if (this.end === this.#start) return;
      socket.write(this.buffer.subarray(this.#start, this.end));
      this.#start = this.end;
    } else {
      this.#cut();
      const pieces = this.#pieces;
      this.#pieces = undefined;
      this.#pieceBytes = 0;
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    // Where the kernel has it all the slab is free again: others can have it.
    if (socket.writableLength === 0) this.#release();
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#pieces = undefined;
    this.#pieceBytes = 0;
    this.#start = 0;
    this.end = 0;
    this.buffer = empty;
  }

  #release(): void {
    const { buffer } = this;
    this.#start = 0;
    this.end = 0;
    this.buffer = empty;
    if (buffer.length > slabBytes) {
      if (buffer.length <= longestSpare) spareLong = buffer;
    } else if (buffer.length === slabBytes && spareSlabs.length < mostSpareSlabs) {
      spareSlabs.push(buffer);
    }
  }

  /** What is in the buffer becomes a piece; what comes goes behind it. */
  #cut(): void {
    if (this.end === this.#start) return;
    this.#addPiece(this.buffer.subarray(this.#start, this.end));
    this.#start = this.end;
  }

  #addPiece(piece: Buffer): void {
    this.#pieces ??= [];
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
  }

  #schedule(): void {
    this.#isDue = true;
    if (due.push(this) === 1) nextTurn(flushDue);
  }

  /** @internal */
  flushDue(): void {
    this.#isDue = false;
    this.flush();
  }
}

const empty: Buffer = Buffer.alloc(0);

function flushDue(): void {
  const outputs = due;
  due = [];
  for (const output of outputs) output.flushDue();
}

function takeLong(bytes: number): Buffer {
  const spare = spareLong;
  if (spare === undefined || spare.length < bytes) return Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
  spareLong = undefined;
  return spare;
}

function takeSlab(): Buffer {
  return spareSlabs.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
}

/** @returns where what comes after it begins */
export function writeFrameHeader(
  buffer: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  buffer[at + 5] = streamId >>> 24;
  buffer[at + 6] = streamId >>> 16;
  buffer[at + 7] = streamId >>> 8;
  buffer[at + 8] = streamId;
  return at + frameHeaderBytes;
}
