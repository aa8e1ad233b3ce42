import type { Socket } from "node:net";
import { ContentLengths } from "./content-lengths.js";
import { EndedStreams } from "./ended-streams.js";
import { ConnectionError, defaultWindowBytes, ErrorCode, largestWindowBytes } from "./frames.js";
import { HeaderList } from "./header-list.js";
import { HpackDecoder, HpackError } from "./hpack/decoder.js";
import { type LinkOptions, mostUnreadBytes } from "./link.js";
import { ReceiveWindows, type ReceivingStream } from "./receive-windows.js";
import { SettledLink } from "./settings.js";
import type { Stream } from "./stream.js";

/** What both ends begin with. */
const headerTableBytes = 4096;

/** Bytes; less of a message in one frame brings nobody forward. */
const crumbBytes = 1024;

/** Milliseconds after which a peer for which so much waits, and that takes hardly any of it, is given up. */
const stallMs = 20_000;

/** Bytes that it takes in that time at the least. */
const leastTakenBytes = 16 * 1024;

/** Of all connections: a list is read before the next is decoded. */
const list = new HeaderList();

/** Of all connections that have none: an empty map is as large as one of four. */
const noStreams = new Map<number, never>();

/** One connection, at either end: its streams, the windows of what is sent, and what frames mean to them. */
export abstract class Session<S extends Stream = Stream> extends SettledLink {
  readonly receive: ReceiveWindows;
  #streams: Map<number, S> = noStreams;
  /** Bytes that the peer takes on the connection, on all streams. */
  sendWindow: number = defaultWindowBytes;
  /** Bytes of messages that wait for the peer's windows. */
  queuedBytes = 0;
  /** The peer has said GOAWAY, or we have: no more streams are opened. */
  protected isGoingAway = false;
  readonly #decoder = new HpackDecoder(headerTableBytes);
  /** Whose DATA is coming; undefined where it means nothing. */
  #dataStream: S | undefined;
  #dataEnds = false;
  /** Streams that wait for the peer. Made with the first: a process may have thousands of connections that are idle. */
  #held: Set<Stream> | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  /** Bytes of messages since the last look at how the peer takes them. */
  #takenBytes = 0;
  #contentLengths: ContentLengths | undefined;
  #ended: EndedStreams | undefined;
  /** DATA that came while the network was measured; undefined while it is not. */
  #measuredBytes: number | undefined;

  constructor(socket: Socket, options: LinkOptions) {
    super(socket, options);
    this.receive = new ReceiveWindows(this);
  }

  /** Where the header list is that has just come; it is read before anything else can come. */
  protected get list(): HeaderList {
    return list;
  }

  underWay(stream: ReceivingStream): number {
    return stream === this.#dataStream ? this.payloadLeft : 0;
  }

  /** Those that are open. */
  get streams(): ReadonlyMap<number, S> {
    return this.#streams;
  }

  get hasCalls(): boolean {
    return this.#streams.size > 0;
  }

  // ── What the two ends do differently ──────────────────────────────────────────────────────────────────────────────

  /** Its header list is in `list`. */
  protected abstract onHeaders(streamId: number, endsStream: boolean): void;
  protected abstract onReset(stream: S, error: number): void;
  /** Of a stream that is no good any more; the peer is told already. */
  protected abstract onStreamError(stream: S, error: number, reason: string): void;
  /** A stream is no more. */
  protected abstract onForgotten(stream: S): void;

  // ── DATA ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected onUnknownFrame(): void {
    this.#dataStream = undefined;
  }

  protected onDataFrame(streamId: number, bytes: number, dataBytes: number, endsStream: boolean): void {
    this.#dataEnds = endsStream;
    this.#dataStream = this.#takeData(streamId, bytes, dataBytes);
    if (dataBytes === 0 && !endsStream) this.overhead.spend();
    if (this.receive.onData(bytes)) this.#measure();
    if (this.#measuredBytes !== undefined) this.#measuredBytes += bytes;
  }

  /** The stream, where it may be sent this. */
  #takeData(streamId: number, length: number, dataBytes: number): S | undefined {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.protocolError, "DATA on an idle stream");
      if (this.#ended?.takesData(streamId, length, this.#dataEnds) === true) return undefined;
      this.overhead.spend();
      this.output.rstStream(streamId, ErrorCode.streamClosed);
      return undefined;
    }
    if (stream.isReadClosed) {
      this.resetStream(streamId, ErrorCode.streamClosed, "DATA after the end of the stream");
      return undefined;
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      this.resetStream(streamId, ErrorCode.flowControlError, "DATA beyond the window of the stream");
      return undefined;
    }
    if (this.#contentLengths?.takes(streamId, dataBytes, this.#dataEnds) === false) {
      this.resetStream(streamId, ErrorCode.protocolError, "DATA that is not as long as its content-length");
      return undefined;
    }
    return stream;
  }

  protected onPiece(chunk: Buffer, start: number, end: number, isLast: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined) return;
    if (end > start) stream.onData(chunk, start, end);
    if (!isLast) return;
    this.#dataStream = undefined;
    if (this.#dataEnds) this.#endReading(stream);
    else if (!stream.isDone) this.receive.replenish(stream);
  }

  #endReading(stream: S): void {
    stream.onDataEnd();
    this.closeIfDone(stream);
  }

  // ── Header lists ──────────────────────────────────────────────────────────────────────────────────────────────────

  protected onBlock(streamId: number, endsStream: boolean, block: Buffer, start: number, end: number): void {
    list.reset(this.maxListBytes);
    try {
      this.#decoder.decode(block, start, end, list);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionError(ErrorCode.compressionError, error.message);
    }
    if (this.#ended?.takesHeaders(streamId, endsStream) === true) return;
    const { contentLength } = list;
    if (endsStream && (contentLength ?? 0) > 0) list.isMalformed = true;
    if (endsStream && this.#contentLengths?.takes(streamId, 0, true) === false) {
      this.resetStream(streamId, ErrorCode.protocolError, "an end before as much DATA as its content-length");
      return;
    }
    this.onHeaders(streamId, endsStream);
    if (contentLength === undefined || endsStream || !this.streams.has(streamId)) return;
    this.#contentLengths ??= new ContentLengths();
    this.#contentLengths.add(streamId, contentLength);
  }

  /** The peer's header list ends the stream as well. */
  protected endByHeaders(stream: S): void {
    this.#endReading(stream);
  }

  // ── The windows of what is sent ───────────────────────────────────────────────────────────────────────────────────

  protected onWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.protocolError, "WINDOW_UPDATE by nothing");
      this.sendWindow += increment;
      requireWindow(this.sendWindow);
      this.serve();
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.protocolError, "WINDOW_UPDATE on an idle stream");
      return;
    }
    if (increment === 0) {
      this.resetStream(streamId, ErrorCode.protocolError, "WINDOW_UPDATE by nothing");
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > largestWindowBytes) {
      this.resetStream(streamId, ErrorCode.flowControlError, longWindow);
    } else if (this.#held?.has(stream)) {
      this.resume(stream);
    }
  }

  protected onWindowMoved(bytes: number): void {
    for (const stream of this.streams.values()) {
      stream.sendWindow += bytes;
      requireWindow(stream.sendWindow);
    }
  }

  protected onWindowAcknowledged(bytes: number): void {
    this.receive.onAcknowledged(bytes);
  }

  // ── The beginning and the end of streams ──────────────────────────────────────────────────────────────────────────

  /** Puts one in that is open now. */
  protected enter(stream: S): void {
    stream.sendWindow = this.peerStreamWindow;
    stream.receiveWindow = this.receive.initialBytes;
    if (this.#streams === noStreams) this.#streams = new Map();
    this.#streams.set(stream.id, stream);
    this.receive.onStreams(this.#streams.size);
  }

  protected onRstStream(streamId: number, error: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.protocolError, "RST_STREAM on an idle stream");
      if (this.#ended?.takesReset(streamId) !== true) this.overhead.spend();
      return;
    }
    stream.close();
    this.onReset(stream, error);
    this.forget(stream);
  }

  /** A stream whose halves are both closed is no more. */
  closeIfDone(stream: S): void {
    if (stream.isReadClosed && stream.isWriteClosed) this.forget(stream);
  }

  /** Takes all out, where the connection was lost. */
  protected takeOut(): readonly S[] {
    const streams = [...this.#streams.values()];
    this.#streams = noStreams;
    return streams;
  }

  /** Takes a stream out: nothing more is sent on it, and what comes means nothing. */
  protected forget(stream: S): void {
    if (!this.#streams.delete(stream.id)) return;
    if (this.#streams.size === 0) this.#streams = noStreams;
    this.#held?.delete(stream);
    this.#contentLengths?.delete(stream.id);
    this.receive.onClosed(stream);
    this.receive.onStreams(this.#streams.size);
    this.onForgotten(stream);
  }

  /** Ends a stream over something that its peer has done (RFC 9113, section 5.4.2). */
  protected resetStream(streamId: number, error: number, reason: string): void {
    this.overhead.spend();
    this.output.rstStream(streamId, error);
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.#rememberEnd(streamId, this.receive.initialBytes);
    } else {
      this.abandon(stream);
      this.onStreamError(stream, error, reason);
    }
  }

  /** Ends a stream here: the peer is told, and what it had sent already is not looked at. */
  reset(stream: S, error: number): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.output.rstStream(stream.id, error);
    this.abandon(stream);
  }

  /** Forgets a stream of which the peer knows, or is told otherwise, that it is over. */
  abandon(stream: S): void {
    stream.close();
    this.#rememberEnd(stream.id, stream.receiveWindow);
    this.forget(stream);
  }

  /** Does not take a stream that the peer opens: what it has sent on it already is not looked at. */
  protected refuse(streamId: number, error: number): void {
    this.output.rstStream(streamId, error);
    this.#rememberEnd(streamId, this.receive.initialBytes);
  }

  /** @param windowBytes what the peer may have sent of DATA before it hears of the end */
  #rememberEnd(streamId: number, windowBytes: number): void {
    this.#ended ??= new EndedStreams();
    this.#ended.add(streamId, windowBytes);
  }

  /** Whether it was ended here, not long ago: its peer may not have known. */
  protected wasForgotten(streamId: number): boolean {
    return this.#ended?.has(streamId) === true;
  }

  // ── What waits for the peer ───────────────────────────────────────────────────────────────────────────────────────

  /** A stream has to wait for room. */
  hold(stream: Stream): void {
    this.#held ??= new Set();
    this.#held.add(stream);
    if (this.queuedBytes > mostUnreadBytes) this.#watchStall();
  }

  /** What was in the way of a stream may not be any more. */
  resume(stream: Stream): void {
    while (stream.pump());
    if (stream.onRoom()) this.hold(stream);
    else this.#held?.delete(stream);
  }

  /** @param isCut a window has allowed no more of a message */
  onDataSent(bytes: number, isCut = false): void {
    this.sendWindow -= bytes;
    this.#takenBytes += bytes;
    // Who takes messages gives windows back for them, of the stream and of the connection, and measures the network. Who
    // takes them in crumbs pays for each (CVE-2019-9511).
    if (!isCut || bytes >= crumbBytes) this.overhead.earn(4);
  }

  /** Those that wait take turns, a frame each. */
  protected serve(): void {
    const held = this.#held;
    if (held === undefined || held.size === 0) return;
    let goesOn = this.sendWindow > 0;
    while (goesOn) {
      goesOn = false;
      for (const stream of held) if (stream.pump()) goesOn = true;
    }
    for (const stream of held) if (!stream.onRoom()) held.delete(stream);
  }

  #watchStall(): void {
    if (this.#stallTimer !== undefined) return;
    this.#takenBytes = 0;
    this.#stallTimer = setTimeout(() => {
      this.#stallTimer = undefined;
      if (this.queuedBytes <= mostUnreadBytes) return;
      if (this.#takenBytes >= leastTakenBytes) this.#watchStall();
      else this.fail(ErrorCode.enhanceYourCalm, `${this.queuedBytes} bytes that nobody has taken for ${stallMs} ms`);
    }, stallMs).unref();
  }

  // ── The network ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** How much comes in a round trip is the bandwidth-delay product, where nothing holds the peer up. */
  #measure(): void {
    if (this.#measuredBytes !== undefined || this.isClosed) return;
    this.#measuredBytes = 0;
    this.sendPing(() => {
      const bytes = this.#measuredBytes ?? 0;
      this.#measuredBytes = undefined;
      this.receive.onDelayBytes(bytes);
    });
  }

  protected override stop(): void {
    super.stop();
    clearTimeout(this.#stallTimer);
    this.#held?.clear();
  }
}

const longWindow = "a window of over 2^31-1 bytes";

function requireWindow(bytes: number): void {
  if (bytes > largestWindowBytes) throw new ConnectionError(ErrorCode.flowControlError, longWindow);
}
