import type { Socket } from "node:net";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  ConnectionObserver,
  SocketConnection,
  SpeakOptions,
} from "../../contract.js";
import { atDeadline } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { type AnyClientStream, ClientStream } from "./client-stream.js";
import { ErrorCode, errorName, largestStreamId, preface, Setting } from "./frames.js";
import { RequestHeaders } from "./request-headers.js";
import { Session } from "./session.js";

/** Bytes of the headers of a response, and of its trailers, as RFC 9113 (section 6.5.2) counts them. */
const maxHeaderListBytes = 64 * 1024;

/** One socket to a server: the client's end. */
export class ClientConnection extends Session<AnyClientStream> implements SocketConnection {
  readonly peer: string;
  readonly maxReceiveMessageBytes: number;
  readonly headers: RequestHeaders;
  readonly #observer: ConnectionObserver;
  #waitingPings: Set<(error: RpcError) => void> | undefined;
  #nextStream = 1;
  #isReady = false;
  /** Calls that hold the process open. */
  #holders = 0;
  #wasFull = false;
  #drained: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;
  #isDraining = false;

  constructor(socket: Socket, options: SpeakOptions, observer: ConnectionObserver) {
    const { keepalive } = options;
    super(socket, {
      maxHeaderListBytes,
      keepalive,
      keepaliveWithoutCalls: keepalive !== false && keepalive.withoutCalls,
    });
    this.peer = options.peer;
    this.maxReceiveMessageBytes = options.maxReceiveMessageBytes;
    this.headers = new RequestHeaders(this.encoder, options);
    this.#observer = observer;
    socket.unref();
    this.output.open(preface.length);
    this.output.bytes(preface);
    this.open([
      [Setting.enablePush, 0],
      [Setting.maxHeaderListSize, maxHeaderListBytes],
    ]);
  }

  // ── For the channel ──

  get hasRoom(): boolean {
    if (this.#takesCalls && this.streams.size < this.peerMaxStreams) return true;
    this.#wasFull = true;
    return false;
  }

  get callsInFlight(): number {
    return this.streams.size;
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    return ClientStream.start(this, spec, sink);
  }

  async ping(deadline: number): Promise<number> {
    const began = performance.now();
    return new Promise<number>((resolve, reject) => {
      const stop = atDeadline(deadline, () => {
        this.#waitingPings?.delete(fail);
        reject(new RpcError(Code.DEADLINE_EXCEEDED, "the answer did not come before the deadline"));
      });
      const fail = (error: RpcError) => {
        stop();
        reject(error);
      };
      if (this.isClosed) {
        fail(new RpcError(Code.UNAVAILABLE, "there is no connection"));
        return;
      }
      this.#waitingPings ??= new Set();
      this.#waitingPings.add(fail);
      this.sendPing(() => {
        if (this.#waitingPings?.delete(fail) !== true) return;
        stop();
        resolve(performance.now() - began);
      });
    });
  }

  drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    this.#drained ??= new Promise((resolve) => {
      this.#onDrained = resolve;
    });
    if (this.isClosed) this.#onDrained?.();
    const cut = () => {
      for (const stream of [...this.streams.values()]) stream.cancel(Code.UNAVAILABLE, "the connection was closed");
      this.#closeIfDrained();
    };
    if (graceMs <= 0) cut();
    const stop = atDeadline(performance.now() + graceMs, cut);
    this.#closeIfDrained();
    return this.#drained.finally(stop);
  }

  // ── For streams ──

  /** Gives a call its place on the connection. */
  add(stream: AnyClientStream): void {
    stream.id = this.#nextStream;
    this.#nextStream += 2;
    this.enter(stream);
    if (!stream.isBackground && this.#holders++ === 0) this.socket.ref();
  }

  /** A call has told its sink of its end. */
  onCallEnd(code: Code | undefined): void {
    this.#observer.onCallEnd(code);
  }

  // ── What comes ──

  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextStream;
  }

  protected onHeaders(streamId: number, endsStream: boolean): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      if (this.isIdle(streamId)) this.fail(ErrorCode.protocolError, "HEADERS on an idle stream");
      else this.overhead.spend();
      return;
    }
    if (this.list.isMalformed) this.resetStream(streamId, ErrorCode.protocolError, "a malformed header list");
    else stream.onHeaderList(this.list, endsStream);
    // What is but information brings nobody forward (RFC 9113, section 8.1).
    if (this.list.status?.startsWith("1") === true) this.overhead.spend();
    if (endsStream && this.streams.has(streamId)) this.endByHeaders(stream);
  }

  protected onReset(stream: AnyClientStream, error: number): void {
    stream.onReset(error);
  }

  protected onStreamError(stream: AnyClientStream, error: number, reason: string): void {
    stream.fail(Code.INTERNAL, `the server has broken the protocol: ${reason} (${errorName(error)})`);
  }

  /** The first make it ready; later ones may allow more calls at a time. */
  protected onSettings(): void {
    if (this.#isReady) {
      this.#tellRoom();
    } else {
      this.#isReady = true;
      this.#observer.onReady();
    }
  }

  protected onGoaway(lastStream: number, error: number, debug: string): void {
    const text = debug === "" ? errorName(error) : `${errorName(error)}: ${debug}`;
    const reason =
      error === ErrorCode.noError && debug === "" ? "the peer takes no more calls" : `the peer said ${text}`;
    if (error !== ErrorCode.noError) this.closeReason = reason;
    // Before calls come back that are made again: not here.
    if (!this.isGoingAway) {
      this.isGoingAway = true;
      if (this.streams.size > 0) this.#observer.onGoaway(reason);
    }
    // What is past the last that the server has taken was not processed (RFC 9113, section 6.8).
    for (const stream of [...this.streams.values()]) if (stream.id > lastStream) stream.onRefused(reason);
    this.#closeIfDrained();
  }

  protected onForgotten(): void {
    this.#tellRoom();
    this.#closeIfDrained();
  }

  #tellRoom(): void {
    if (!this.#wasFull || !this.hasRoom) return;
    this.#wasFull = false;
    this.#observer.onRoom();
  }

  protected onLost(reason: string): void {
    for (const stream of [...this.streams.values()]) stream.onConnectionLost(reason);
    if (this.#waitingPings === undefined) return;
    const error = new RpcError(Code.UNAVAILABLE, `the connection to ${this.peer} was lost: ${reason}`);
    for (const fail of this.#waitingPings) fail(error);
    this.#waitingPings = undefined;
  }

  protected onClosed(reason: string): void {
    this.#observer.onClosed(this.#isDraining ? "closed here" : reason);
    this.#onDrained?.();
  }

  /** Whose calls have ended does not hold the process open. */
  release(stream: AnyClientStream): void {
    if (!stream.isBackground && --this.#holders === 0) this.socket.unref();
  }

  get #takesCalls(): boolean {
    return this.#isReady && !this.isClosed && !this.isGoingAway && !this.#isDraining && this.#hasNumbers;
  }

  /** Numbers of streams are not used twice: a connection that has used them all is done (RFC 9113, section 5.1.1). */
  get #hasNumbers(): boolean {
    return this.#nextStream <= largestStreamId;
  }

  #closeIfDrained(): void {
    if (this.streams.size > 0 || this.isClosed) return;
    if (this.#isDraining) {
      this.sendGoaway(0, ErrorCode.noError);
      this.close("closed here");
    } else if (this.isGoingAway || !this.#hasNumbers) {
      this.close("closed by the peer");
    }
  }
}
