import type { Socket } from "node:net";
import { Allowance, type AllowanceTerms } from "./allowance.js";
import { DividedBlock } from "./divided-block.js";
import { EndedStreams } from "./ended-streams.js";
import { FrameReader } from "./frame-reader.js";
import {
  ConnectionError,
  defaultMaxFrameBytes,
  defaultWindowBytes,
  ErrorCode,
  errorName,
  Flag,
  FrameType,
  largestWindowBytes,
  Setting,
} from "./frames.js";
import { HeaderList } from "./header-list.js";
import { HpackDecoder, HpackError } from "./hpack/decoder.js";
import { HpackEncoder } from "./hpack/encoder.js";
import { Keepalive, type KeepaliveTiming } from "./keepalive.js";
import { Output } from "./output.js";
import { ReceiveWindows } from "./receive-windows.js";
import type { Stream } from "./stream.js";

/** What we take in one frame. Longer than the default: a message of 64 KB comes in one. */
const receivedFrameBytes = 128 * 1024;

/** What we put into one frame at most, so that streams take turns. */
const sentFrameBytes = 128 * 1024;

/** What both ends begin with. */
const headerTableBytes = 4096;

/** Milliseconds in which a peer has to acknowledge SETTINGS. */
const settingsMs = 20_000;

/** Milliseconds in which a connection that is ended here has to close. */
const closingMs = 1000;

/** Bytes; less of a message in one frame brings nobody forward. */
const crumbBytes = 1024;

/** Bytes that the peer makes us hold by not reading: of frames that no window bounds, and of messages. */
const mostUnreadBytes = 1024 * 1024;

/** Milliseconds after which a peer that has asked for that much, and takes hardly any of it, is given up. */
const stallMs = 20_000;

/** Bytes that it takes in that time at the least. */
const leastTakenBytes = 16 * 1024;

/** What costs us something and brings nobody forward. */
const overheadTerms: AllowanceTerms = { burst: 2000, perSecond: 200, what: "control frames" };

/** More streams than there are numbers for. */
const unlimitedStreams = 2 ** 31 - 1;

export interface SessionOptions {
  /** Bytes, as RFC 9113 (section 6.5.2) counts a header list. */
  readonly maxHeaderListBytes: number;
  readonly keepalive: KeepaliveTiming | false;
  readonly keepaliveWithoutCalls: boolean;
  /** What the peer has to begin with. */
  readonly preface?: Buffer;
}

/** Of all connections: a list is read before the next is decoded. */
const list = new HeaderList();

/** Of a socket: who speaks on it. */
const speaker: unique symbol = Symbol("speaker");

interface SpokenSocket extends Socket {
  // biome-ignore lint/suspicious/noExplicitAny: of either end; it is told what is its own.
  [speaker]: Session<any>;
}

/** Why a socket has failed is asked of it when it is closed. */
function nothing(): void {}

/** One connection, at either end: frames, settings, windows, pings, and the order in which all that happens. */
export abstract class Session<S extends Stream = Stream> extends FrameReader {
  readonly socket: Socket;
  readonly output: Output;
  readonly encoder: HpackEncoder = new HpackEncoder();
  readonly receive: ReceiveWindows;
  readonly streams: Map<number, S> = new Map();
  /** Bytes that the peer takes on the connection, on all streams. */
  sendWindow: number = defaultWindowBytes;
  /** What a new stream may send. */
  protected peerStreamWindow: number = defaultWindowBytes;
  /** What we put into one frame. */
  maxFrameBytes: number = defaultMaxFrameBytes;
  protected peerMaxStreams: number = unlimitedStreams;
  /** The longest header list that the peer takes. */
  peerMaxListBytes: number = Number.POSITIVE_INFINITY;
  /** Bytes of messages that wait for the peer's windows. */
  queuedBytes = 0;
  lastReadAt: number = performance.now();
  /** The newest stream that the peer has opened. */
  protected lastPeerStream = 0;
  protected isClosed = false;
  /** The peer has said GOAWAY, or we have: no more streams are opened. */
  protected isGoingAway = false;
  protected readonly overhead: Allowance = new Allowance(overheadTerms);
  readonly #decoder = new HpackDecoder(headerTableBytes);
  readonly #maxListBytes: number;
  readonly #isServer: boolean;
  #hasSettings = false;
  /** Whose DATA is coming; undefined where it means nothing. */
  #dataStream: S | undefined;
  #dataEnds = false;
  /** The header block that is coming, where one does. */
  #block: DividedBlock | undefined;
  // Made with the first that is in it: a process may have thousands of connections that are idle.
  #held: Set<Stream> | undefined;
  #pings: (() => void)[] | undefined;
  /** SETTINGS that the peer has yet to acknowledge, in their order: the window that they announce, if any. */
  #sentSettings: (number | undefined)[] | undefined;
  #settingsTimer: NodeJS.Timeout | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  /** Bytes of messages since the last look at how the peer takes them. */
  #takenBytes = 0;
  #ended: EndedStreams | undefined;
  /** DATA that came while the network was measured; undefined while it is not. */
  #measuredBytes: number | undefined;
  readonly #keepalive: Keepalive | undefined;
  /** Why it is closed, as soon as that is known. */
  protected closeReason: string | undefined;

  constructor(socket: Socket, options: SessionOptions) {
    super(options.preface);
    this.socket = socket;
    this.output = new Output(socket);
    this.receive = new ReceiveWindows(this);
    this.#isServer = options.preface !== undefined;
    this.#maxListBytes = options.maxHeaderListBytes;
    if (options.keepalive !== false) {
      this.#keepalive = new Keepalive(this, options.keepalive, options.keepaliveWithoutCalls);
    }
    const spoken = socket as SpokenSocket;
    spoken[speaker] = this;
    spoken.on("data", Session.#onData);
    spoken.on("drain", Session.#onDrain);
    // Whoever has opened it listens already, most likely.
    if (spoken.listenerCount("error") === 0) spoken.on("error", nothing);
    spoken.on("close", Session.#onClose);
  }

  // The listeners of all sockets: closures of its own for each would be a tenth of what an idle connection costs.

  static readonly #onData = function (this: SpokenSocket, chunk: Buffer): void {
    this[speaker].#onChunk(chunk);
  };

  static readonly #onDrain = function (this: SpokenSocket): void {
    this[speaker].#serve();
  };

  static readonly #onClose = function (this: SpokenSocket): void {
    this[speaker].#onSocketClosed();
  };

  /** The first SETTINGS. */
  protected open(settings: readonly (readonly [setting: number, value: number])[]): void {
    this.#announce([...settings, [Setting.maxFrameSize, receivedFrameBytes]]);
  }

  /** Where the header list is that has just come; it is read before anything else can come. */
  protected get list(): HeaderList {
    return list;
  }

  announceWindow(bytes: number): void {
    this.#announce([[Setting.initialWindowSize, bytes]], bytes);
  }

  /** Huffman coding makes of 5 bits a byte; indexes make much more, which is what the limit of the list is for. */
  get #maxBlockBytes(): number {
    return Math.max(16 * 1024, Math.min(this.#maxListBytes, 2 ** 30) * 2);
  }

  get hasCalls(): boolean {
    return this.streams.size > 0;
  }

  // ── What the two ends do differently ──────────────────────────────────────────────────────────────────────────────

  /** Its header list is in `list`. */
  protected abstract onHeaders(streamId: number, endsStream: boolean): void;
  /** A stream with this number has never been. */
  protected abstract isIdle(streamId: number): boolean;
  protected abstract onReset(stream: S, error: number): void;
  /** The first, or others. */
  protected abstract onSettings(): void;
  protected abstract onGoaway(lastStream: number, error: number, debug: string): void;
  /** Of a stream that is no good any more; the peer is told already. */
  protected abstract onStreamError(stream: S, error: number, reason: string): void;
  /** Calls that are on it come to an end. */
  protected abstract onLost(reason: string): void;
  /** The socket is closed: the last event. */
  protected abstract onClosed(reason: string): void;

  // ── Frames ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #onChunk(chunk: Buffer): void {
    if (this.isClosed) return;
    this.lastReadAt = performance.now();
    try {
      this.read(chunk);
      this.#checkUnread();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error.code, error.message);
    }
  }

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

  protected onFrame(type: number, flags: number, streamId: number, chunk: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.headers:
        this.#onHeadersFrame(streamId, flags, chunk, start, end);
        return;
      case FrameType.continuation:
        this.#onContinuation(flags, chunk, start, end);
        return;
      case FrameType.windowUpdate:
        this.#onWindowUpdate(streamId, chunk, start, end);
        return;
      case FrameType.rstStream:
        this.#onRstStream(streamId, chunk, start, end);
        return;
      case FrameType.settings:
        this.#onSettingsFrame(streamId, flags, chunk, start, end);
        return;
      case FrameType.ping:
        this.#onPingFrame(streamId, flags, chunk, start, end);
        return;
      case FrameType.goaway:
        this.#onGoawayFrame(streamId, chunk, start, end);
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

  // ── DATA ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected onFrameHeader(type: number, flags: number, streamId: number, length: number): void {
    // Of a type that is not known (RFC 9113, section 5.5).
    if (type !== FrameType.data) this.#dataStream = undefined;
    else this.#onDataFrame(streamId, length, flags, length);
  }

  /** @param length with its padding, which windows count too */
  #onDataFrame(streamId: number, length: number, flags: number, dataBytes: number): void {
    requireStream(streamId, "DATA");
    this.#dataEnds = (flags & Flag.endStream) !== 0;
    this.#dataStream = this.#takeData(streamId, length);
    if (dataBytes === 0 && !this.#dataEnds) this.overhead.spend();
    if (this.receive.onData(length)) this.#measure();
    if (this.#measuredBytes !== undefined) this.#measuredBytes += length;
  }

  /** The stream, where it may be sent this. */
  #takeData(streamId: number, length: number): S | undefined {
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
    if (stream.receiveWindow >= 0) return stream;
    this.resetStream(streamId, ErrorCode.flowControlError, "DATA beyond the window of the stream");
    return undefined;
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

  #onPaddedData(streamId: number, flags: number, chunk: Buffer, start: number, end: number): void {
    requireStream(streamId, "DATA");
    if (start === end) throw new ConnectionError(ErrorCode.frameSizeError, "padded DATA without a byte");
    const dataEnd = end - chunk[start]!;
    if (dataEnd <= start) throw new ConnectionError(ErrorCode.protocolError, "DATA with more padding than bytes");
    this.#onDataFrame(streamId, end - start, flags, dataEnd - start - 1);
    this.onPiece(chunk, start + 1, dataEnd, true);
  }

  #endReading(stream: S): void {
    stream.onDataEnd();
    this.closeIfDone(stream);
  }

  /** A stream whose halves are both closed is no more. */
  closeIfDone(stream: S): void {
    if (stream.isReadClosed && stream.isWriteClosed) this.forget(stream);
  }

  /** Takes a stream out: nothing more is sent on it, and what comes means nothing. */
  protected forget(stream: S): void {
    if (!this.streams.delete(stream.id)) return;
    this.#held?.delete(stream);
    this.receive.onClosed(stream);
    this.receive.onStreams(this.streams.size);
    this.onForgotten(stream);
  }

  /** A stream is no more. */
  protected abstract onForgotten(stream: S): void;

  // ── Header blocks ─────────────────────────────────────────────────────────────────────────────────────────────────

  #onHeadersFrame(streamId: number, flags: number, chunk: Buffer, frameStart: number, frameEnd: number): void {
    requireStream(streamId, "HEADERS");
    const isPadded = (flags & Flag.padded) !== 0;
    const start = frameStart + (isPadded ? 1 : 0) + ((flags & Flag.priority) === 0 ? 0 : 5);
    if (start > frameEnd) throw new ConnectionError(ErrorCode.frameSizeError, "HEADERS that are too short");
    const end = frameEnd - (isPadded ? chunk[frameStart]! : 0);
    if (start > end) throw new ConnectionError(ErrorCode.protocolError, "HEADERS with more padding than bytes");
    const endsStream = (flags & Flag.endStream) !== 0;
    if ((flags & Flag.endHeaders) !== 0) {
      this.#onBlock(streamId, endsStream, chunk, start, end);
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
    this.#onBlock(block.streamId, block.endsStream, whole, 0, whole.length);
  }

  #onBlock(streamId: number, endsStream: boolean, block: Buffer, start: number, end: number): void {
    list.reset(this.#maxListBytes);
    try {
      this.#decoder.decode(block, start, end, list);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionError(ErrorCode.compressionError, error.message);
    }
    if (this.#ended?.takesHeaders(streamId, endsStream) !== true) this.onHeaders(streamId, endsStream);
  }

  /** The peer's header list ends the stream as well. */
  protected endByHeaders(stream: S): void {
    this.#endReading(stream);
  }

  // ── The other frames ──────────────────────────────────────────────────────────────────────────────────────────────

  #onWindowUpdate(streamId: number, chunk: Buffer, start: number, end: number): void {
    if (end - start !== 4)
      throw new ConnectionError(ErrorCode.frameSizeError, "WINDOW_UPDATE of another length than 4");
    this.overhead.spend();
    const increment = chunk.readUInt32BE(start) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.protocolError, "WINDOW_UPDATE by nothing");
      this.sendWindow += increment;
      if (this.sendWindow > largestWindowBytes) {
        throw new ConnectionError(ErrorCode.flowControlError, "a window of over 2^31-1 bytes");
      }
      this.#serve();
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
      this.resetStream(streamId, ErrorCode.flowControlError, "a window of over 2^31-1 bytes");
    } else if (this.#held?.has(stream)) {
      while (stream.pump());
      if (!stream.onRoom()) this.#held.delete(stream);
    }
  }

  #onRstStream(streamId: number, chunk: Buffer, start: number, end: number): void {
    requireStream(streamId, "RST_STREAM");
    if (end - start !== 4) throw new ConnectionError(ErrorCode.frameSizeError, "RST_STREAM of another length than 4");
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.protocolError, "RST_STREAM on an idle stream");
      if (this.#ended?.takesReset(streamId) !== true) this.overhead.spend();
      return;
    }
    stream.isReadClosed = true;
    stream.isWriteEnded = true;
    stream.isWriteClosed = true;
    this.onReset(stream, chunk.readUInt32BE(start));
    this.forget(stream);
  }

  #onSettingsFrame(streamId: number, flags: number, chunk: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "SETTINGS on a stream");
    if ((flags & Flag.ack) !== 0) {
      if (end > start) throw new ConnectionError(ErrorCode.frameSizeError, "an acknowledgement of SETTINGS with bytes");
      this.#onSettingsAcknowledged();
      return;
    }
    if ((end - start) % 6 !== 0) throw new ConnectionError(ErrorCode.frameSizeError, "SETTINGS of a wrong length");
    this.overhead.spend();
    for (let at = start; at < end; at += 6) {
      // Each may move the windows of all streams.
      if (at > start) this.overhead.spend();
      this.#onSetting(chunk.readUInt16BE(at), chunk.readUInt32BE(at + 2));
    }
    this.output.frame(0, FrameType.settings, Flag.ack, 0);
    this.#hasSettings = true;
    this.#serve();
    this.onSettings();
  }

  #onSetting(setting: number, value: number): void {
    switch (setting) {
      case Setting.headerTableSize:
        this.encoder.setPeerTableBytes(value);
        return;
      case Setting.enablePush:
        if (value > (this.#isServer ? 1 : 0)) {
          throw new ConnectionError(ErrorCode.protocolError, `SETTINGS_ENABLE_PUSH of ${value}`);
        }
        return;
      case Setting.maxConcurrentStreams:
        this.peerMaxStreams = Math.min(value, unlimitedStreams);
        return;
      case Setting.initialWindowSize: {
        if (value > largestWindowBytes) {
          throw new ConnectionError(ErrorCode.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE over 2^31-1");
        }
        const change = value - this.peerStreamWindow;
        this.peerStreamWindow = value;
        for (const stream of this.streams.values()) {
          stream.sendWindow += change;
          if (stream.sendWindow > largestWindowBytes) {
            throw new ConnectionError(ErrorCode.flowControlError, "a window of over 2^31-1 bytes");
          }
        }
        return;
      }
      case Setting.maxFrameSize:
        if (value < defaultMaxFrameBytes || value > 2 ** 24 - 1) {
          throw new ConnectionError(ErrorCode.protocolError, "SETTINGS_MAX_FRAME_SIZE out of its bounds");
        }
        this.maxFrameBytes = Math.min(value, sentFrameBytes);
        return;
      case Setting.maxHeaderListSize:
        this.peerMaxListBytes = value;
    }
  }

  #announce(settings: readonly (readonly [setting: number, value: number])[], windowBytes?: number): void {
    this.output.frame(settings.length * 6, FrameType.settings, 0, 0);
    for (const [setting, value] of settings) {
      this.output.end = this.output.buffer.writeUInt16BE(setting, this.output.end);
      this.output.uint32(value);
    }
    this.#sentSettings ??= [];
    this.#sentSettings.push(windowBytes);
    this.#settingsTimer ??= setTimeout(() => {
      this.fail(ErrorCode.settingsTimeout, `SETTINGS were not acknowledged within ${settingsMs} ms`);
    }, settingsMs).unref();
  }

  /** Another value than was announced first. */
  protected announce(setting: number, value: number): void {
    this.#announce([[setting, value]]);
  }

  #onSettingsAcknowledged(): void {
    const sent = this.#sentSettings;
    if (sent === undefined) throw new ConnectionError(ErrorCode.protocolError, "an acknowledgement of no SETTINGS");
    const windowBytes = sent.shift();
    if (windowBytes !== undefined) this.receive.onAcknowledged(windowBytes);
    // With the windows, others may have been announced.
    if (sent.length > 0) {
      this.#settingsTimer?.refresh();
    } else {
      this.#sentSettings = undefined;
      clearTimeout(this.#settingsTimer);
      this.#settingsTimer = undefined;
    }
  }

  #onPingFrame(streamId: number, flags: number, chunk: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "PING on a stream");
    if (end - start !== 8) throw new ConnectionError(ErrorCode.frameSizeError, "PING of another length than 8");
    if ((flags & Flag.ack) !== 0) {
      // Answers come in the order of the pings.
      const onAnswer = this.#pings?.shift();
      if (onAnswer === undefined) this.overhead.spend();
      else onAnswer();
      return;
    }
    this.overhead.spend();
    this.onPing();
    this.output.frame(8, FrameType.ping, Flag.ack, 0);
    this.output.bytes(chunk, start, end);
  }

  /** The peer pings. */
  protected onPing(): void {}

  onNoAnswer(): void {
    this.close("the peer did not answer a ping");
  }

  sendPing(onAnswer: () => void): void {
    this.#pings ??= [];
    this.#pings.push(onAnswer);
    this.output.frame(8, FrameType.ping, 0, 0);
    this.output.uint32(0);
    this.output.uint32(this.#pings.length);
  }

  #onGoawayFrame(streamId: number, chunk: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "GOAWAY on a stream");
    if (end - start < 8) throw new ConnectionError(ErrorCode.frameSizeError, "GOAWAY of less than 8 bytes");
    this.overhead.spend();
    const lastStream = chunk.readUInt32BE(start) & 0x7fffffff;
    const debug = chunk.toString("latin1", start + 8, Math.min(end, start + 8 + 200)).replace(/[^\x20-\x7e]/g, "?");
    this.onGoaway(lastStream, chunk.readUInt32BE(start + 4), debug);
  }

  sendGoaway(lastStream: number, error: number, debug = ""): void {
    const bytes = Buffer.from(debug, "latin1");
    this.output.frame(8 + bytes.length, FrameType.goaway, 0, 0);
    this.output.uint32(lastStream);
    this.output.uint32(error);
    this.output.bytes(bytes);
  }

  // ── Streams that are no good ──────────────────────────────────────────────────────────────────────────────────────

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
    stream.isReadClosed = true;
    stream.isWriteEnded = true;
    stream.isWriteClosed = true;
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

  /** @param isCut a window has allowed no more of a message */
  onDataSent(bytes: number, isCut = false): void {
    this.sendWindow -= bytes;
    this.#takenBytes += bytes;
    // Who takes messages gives windows back for them, of the stream and of the connection, and measures the network. Who
    // takes them in crumbs pays for each (CVE-2019-9511).
    if (!isCut || bytes >= crumbBytes) this.overhead.earn(4);
  }

  /** Those that wait take turns, a frame each. */
  #serve(): void {
    const held = this.#held;
    if (held === undefined || held.size === 0) return;
    let goesOn = this.sendWindow > 0;
    while (goesOn) {
      goesOn = false;
      for (const stream of held) if (stream.pump()) goesOn = true;
    }
    for (const stream of held) if (!stream.onRoom()) held.delete(stream);
  }

  /** A peer that reads nothing can have us keep what no window bounds: answers to its pings, headers, trailers. */
  #checkUnread(): void {
    if (this.output.pendingBytes > mostUnreadBytes) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "answers that nobody reads");
    }
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

  // ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The peer, or the connection, is no good: says so, and closes. */
  fail(error: number, reason: string): void {
    if (this.isClosed) return;
    this.sendGoaway(this.lastPeerStream, error, reason);
    this.close(`${errorName(error)}: ${reason}`);
  }

  /** Ends it: nothing more is read, and its calls end now. What is written still leaves. */
  close(reason: string): void {
    if (this.isClosed) return;
    this.#end(reason);
    // A peer that does not close its end is not waited for.
    const timer = setTimeout(() => this.socket.destroy(), closingMs).unref();
    this.socket.once("close", () => clearTimeout(timer));
  }

  #onSocketClosed(): void {
    const { readableEnded, errored } = this.socket;
    if (readableEnded) this.closeReason ??= "closed by the peer";
    if (!this.isClosed) this.#end(errored?.message ?? "the connection was lost");
    this.onClosed(this.closeReason!);
  }

  #end(reason: string): void {
    this.isClosed = true;
    this.closeReason ??= reason;
    this.#stop();
    this.onLost(this.closeReason);
    this.output.flush();
    this.output.close();
    this.socket.end();
  }

  #stop(): void {
    clearTimeout(this.#settingsTimer);
    clearTimeout(this.#stallTimer);
    this.#keepalive?.stop();
    this.#held?.clear();
    this.#pings = undefined;
  }
}

const priorityLength = "PRIORITY of another length than 5";

function requireStream(streamId: number, what: string): void {
  if (streamId === 0) throw new ConnectionError(ErrorCode.protocolError, `${what} on stream 0`);
}
