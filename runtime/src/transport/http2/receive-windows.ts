import { ConnectionError, defaultWindowBytes, ErrorCode } from "./frames.js";
import type { Output } from "./output.js";

/** What a stream may be sent, and what it holds of it. */
export interface ReceivingStream {
  readonly id: number;
  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** Bytes that have come and were not given on: messages that nobody has asked for, and the part of one. */
  heldBytes: number;
  /** Bytes that it may hold beyond the window of all streams, for the sake of a long message. */
  grantedBytes: number;
  /** Bytes that are missing of a message that has begun. */
  readonly missingBytes: number;
}

/** The connection whose windows they are. */
export interface WindowsOwner {
  readonly output: Output;
  /** Those that are open. */
  readonly streams: ReadonlyMap<number, ReceivingStream>;
  /** Bytes of a DATA frame that is coming to the stream: of its window already, and not here yet. */
  underWay(stream: ReceivingStream): number;
  /** Sends SETTINGS. */
  announceWindow(bytes: number): void;
}

/** Bytes that all streams of a connection may be sent together without being read. */
const budgetBytes = 1024 * 1024;

/** Beyond the budget, for messages that are longer than the window of a stream. */
const grantBytes = 512 * 1024;

const smallestWindowBytes = 1024;

/** Milliseconds: whoever makes many calls, then none, then many again is not sent SETTINGS each time. */
const settleMs = 1000;

/**
 * How much the peer may send, so that memory is bounded and nobody waits for ever.
 *
 * Streams share a budget: the more there are, the smaller is the window of each (SETTINGS_INITIAL_WINDOW_SIZE, which moves
 * the windows of open streams too; RFC 9113, section 6.9.2). A message that does not fit in its stream's window is granted
 * the rest of it at once, from a second budget; who gets none waits for its turn, so that messages that have begun can
 * always end. The window of the connection is given back as bytes come: it is the streams that wait for their readers, so
 * that one that is not read does not hold up the others. It grows with the bandwidth-delay product.
 */
export class ReceiveWindows {
  readonly #owner: WindowsOwner;
  /** Of a stream, as announced last, and as all open streams have it. */
  #announcedBytes = defaultWindowBytes;
  #appliedBytes = defaultWindowBytes;
  /** Times that another was announced and has not been acknowledged. */
  #unacknowledged = 0;
  /** So many streams share the budget now: a power of two. */
  #sharers = 1;
  /** Whole milliseconds. */
  #sharersRaisedAt = 0;
  /** What one stream may have at most, as the bandwidth-delay product has it. */
  #delayBytes = defaultWindowBytes;
  #connectionBytes = defaultWindowBytes;
  #connectionLeft = defaultWindowBytes;
  #consumed = 0;
  #heldBytes = 0;
  #freeGrant = grantBytes;
  /** Whose message is to go on, the first first. */
  #waiting: Set<ReceivingStream> | undefined;

  constructor(owner: WindowsOwner) {
    this.#owner = owner;
  }

  /** Of a stream that is being opened. */
  get initialBytes(): number {
    return this.#appliedBytes;
  }

  get connectionBytes(): number {
    return this.#connectionBytes;
  }

  /**
   * A DATA frame has come, with its padding. Whether it is a good time to measure the network: when the window of the
   * connection is given back, and could be larger.
   *
   * @throws ConnectionError where it was not allowed
   */
  onData(bytes: number): boolean {
    this.#connectionLeft -= bytes;
    if (this.#connectionLeft < 0) {
      throw new ConnectionError(ErrorCode.flowControlError, "DATA beyond the window of the connection");
    }
    this.#consumed += bytes;
    return this.#consumed >= this.#connectionBytes / 2 && this.#giveBack();
  }

  /** While a peer has not agreed to smaller windows, that of the connection bounds what it can have held here. */
  #giveBack(): boolean {
    if (this.#unacknowledged > 0 && this.#heldBytes > budgetBytes) return false;
    this.#owner.output.windowUpdate(0, this.#consumed);
    this.#connectionLeft += this.#consumed;
    this.#consumed = 0;
    return this.#connectionBytes < budgetBytes;
  }

  /** Bytes of a stream are held here. */
  hold(stream: ReceivingStream, bytes: number): void {
    stream.heldBytes += bytes;
    this.#heldBytes += bytes;
  }

  /** They are no longer. */
  release(stream: ReceivingStream, bytes: number): void {
    // Of a stream that is closed nothing is counted any more.
    const held = Math.min(bytes, stream.heldBytes);
    stream.heldBytes -= held;
    this.#heldBytes -= held;
    if (this.#consumed >= this.#connectionBytes / 2) this.#giveBack();
  }

  /** Part of a message has come: all of it is allowed to, now or when it is its turn. */
  expect(stream: ReceivingStream): void {
    const needed = this.#neededOf(stream);
    if (needed <= 0) return;
    const room = this.#roomOf(stream);
    if (needed <= room) {
      this.#open(stream, room);
    } else if (this.#waiting?.has(stream) !== true) {
      this.#waiting ??= new Set();
      this.#waiting.add(stream);
      this.#grantNext();
    }
  }

  /** What was expected has come. */
  onMessage(stream: ReceivingStream): void {
    if (stream.grantedBytes > 0) this.#takeBack(stream);
  }

  /** Lets as much come as was read; in large steps. */
  replenish(stream: ReceivingStream): void {
    const room = this.#roomOf(stream);
    if (room > 0 && room >= this.#appliedBytes / 2) this.#open(stream, room);
  }

  onClosed(stream: ReceivingStream): void {
    this.#heldBytes -= stream.heldBytes;
    stream.heldBytes = 0;
    this.#waiting?.delete(stream);
    if (stream.grantedBytes > 0) this.#takeBack(stream);
  }

  /** So many streams are open now. */
  onStreams(count: number): void {
    if (count > this.#sharers) {
      while (count > this.#sharers) this.#sharers *= 2;
      this.#sharersRaisedAt = Math.trunc(performance.now());
      this.#resize();
    } else if (count === 0 && this.#sharers > 1 && performance.now() - this.#sharersRaisedAt > settleMs) {
      this.#sharers = 1;
      this.#resize();
    }
  }

  /** The network holds so many bytes on their way: a window that is smaller than twice that holds it up. */
  onDelayBytes(bytes: number): void {
    if (bytes < (this.#connectionBytes * 2) / 3 || this.#connectionBytes >= budgetBytes) return;
    const size = Math.min(budgetBytes, this.#connectionBytes * 2);
    this.#owner.output.windowUpdate(0, size - this.#connectionBytes);
    this.#connectionLeft += size - this.#connectionBytes;
    this.#connectionBytes = size;
    this.#delayBytes = size;
    this.#resize();
  }

  /** The peer has acknowledged the oldest of what was announced here. */
  onAcknowledged(bytes: number): void {
    this.#unacknowledged--;
    if (bytes < this.#appliedBytes) this.#apply(bytes);
    if (this.#consumed >= this.#connectionBytes / 2) this.#giveBack();
  }

  // ── Inside ──

  #resize(): void {
    const share = Math.max(smallestWindowBytes, budgetBytes / this.#sharers);
    const bytes = Math.min(this.#delayBytes, share);
    if (bytes === this.#announcedBytes) return;
    this.#announcedBytes = bytes;
    this.#unacknowledged++;
    this.#owner.announceWindow(bytes);
    // More may come at once; less is what it is when the peer has said that it knows.
    if (bytes > this.#appliedBytes) this.#apply(bytes);
  }

  #apply(bytes: number): void {
    const change = bytes - this.#appliedBytes;
    this.#appliedBytes = bytes;
    for (const stream of this.#owner.streams.values()) {
      stream.receiveWindow += change;
      // To a message that is under way it was allowed to come whole.
      const needed = this.#neededOf(stream);
      if (needed > 0 && this.#waiting?.has(stream) !== true) this.#grant(stream, needed);
    }
  }

  /** What could be allowed to come. */
  #roomOf(stream: ReceivingStream): number {
    const { grantedBytes, heldBytes, receiveWindow } = stream;
    return this.#appliedBytes + grantedBytes - heldBytes - receiveWindow - this.#owner.underWay(stream);
  }

  /** What has to be allowed to come, so that the message that has begun can end. */
  #neededOf(stream: ReceivingStream): number {
    return stream.missingBytes - stream.receiveWindow - this.#owner.underWay(stream);
  }

  #open(stream: ReceivingStream, bytes: number): void {
    stream.receiveWindow += bytes;
    this.#owner.output.windowUpdate(stream.id, bytes);
  }

  #takeBack(stream: ReceivingStream): void {
    this.#freeGrant += stream.grantedBytes;
    stream.grantedBytes = 0;
    this.#grantNext();
  }

  /** All that a message needs or nothing, the first first; one that is longer than the budget is alone. */
  #grantNext(): void {
    for (const next of this.#waiting ?? []) {
      const needed = this.#neededOf(next);
      const beyond = needed - this.#roomOf(next);
      if (beyond > this.#freeGrant && this.#freeGrant < grantBytes) return;
      this.#waiting?.delete(next);
      if (needed > 0) this.#grant(next, needed);
    }
  }

  #grant(stream: ReceivingStream, needed: number): void {
    const beyond = Math.max(0, needed - this.#roomOf(stream));
    this.#freeGrant -= beyond;
    stream.grantedBytes += beyond;
    this.#open(stream, needed);
  }
}
