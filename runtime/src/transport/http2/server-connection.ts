import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Dispatcher, Peer, ServeOptions } from "../../contract.js";
import { longestTimerMs } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { addressOf } from "../peer-address.js";
import { identityOf } from "../server-tls.js";
import { Allowance, type AllowanceTerms } from "./allowance.js";
import { ConnectionError, ErrorCode, errorName, largestStreamId, preface, Setting } from "./frames.js";
import { PingPolicy } from "./ping-policy.js";
import { ResponseHeaders } from "./response-headers.js";
import { ServerStream } from "./server-stream.js";
import { Session } from "./session.js";

/** Calls at a time, where nobody says otherwise: what a client that means harm may have under way on one connection. */
const defaultMaxStreams = 1000;

/** Bytes of the fields that are no metadata. */
const protocolFieldBytes = 1024;

/** Bytes of the header lists of all calls that are open: with so many, clients are told to keep calls waiting. */
const muchMetadataBytes = 512 * 1024;

/** With so many, calls are refused. */
const mostMetadataBytes = 2 * muchMetadataBytes;

/** Calls that are taken back before they are answered: rapid reset, CVE-2023-44487. */
const resetTerms: AllowanceTerms = { burst: 1000, perSecond: 500, what: "streams reset" };

/** Milliseconds that a client has to hear that the connection takes no more calls, before it takes none. */
const goawayMs = 1000;

/** A maximum age is varied by so much, so that many clients do not come back at once (gRFC A9). */
const ageJitter = 0.1;

/** Told of the beginning of a connection, and of its end. */
export interface ConnectionOwner {
  /** Its client has sent SETTINGS, the first or others. */
  onSpeaking(connection: ServerConnection): void;
  onClosed(connection: ServerConnection): void;
}

/** One socket from a client: the server's end. */
export class ServerConnection extends Session<ServerStream> {
  readonly client: Peer;
  readonly headers: ResponseHeaders;
  readonly #options: ServeOptions;
  readonly #dispatcher: Dispatcher;
  readonly #maxStreams: number;
  readonly #owner: ConnectionOwner;
  readonly #pingPolicy: PingPolicy | undefined;
  readonly #resets = new Allowance(resetTerms);
  /** The newest that the client has opened, whether it was taken or not. */
  #newestStream = 0;
  /** Of the header lists of calls that are open. */
  #metadataBytes = 0;
  #takesFewer = false;
  /** The last call that is taken, once that is decided. */
  #lastStream = largestStreamId;
  #goawayTimer: NodeJS.Timeout | undefined;
  #ageTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ServeOptions, dispatcher: Dispatcher, owner: ConnectionOwner) {
    // The server refuses calls whose metadata is over its limit: some of them, and all at twice that.
    const maxHeaderListBytes = 2 * options.maxMetadataBytes + protocolFieldBytes;
    super(socket, {
      maxHeaderListBytes,
      keepalive: options.keepalive,
      keepaliveWithoutCalls: true,
      preface,
    });
    this.client = peerOf(socket);
    this.headers = new ResponseHeaders(this.encoder);
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#owner = owner;
    this.#maxStreams =
      options.maxConcurrentStreams === Number.POSITIVE_INFINITY ? defaultMaxStreams : options.maxConcurrentStreams;
    if (options.keepaliveEnforcement !== undefined) this.#pingPolicy = new PingPolicy(options.keepaliveEnforcement);
    this.open([
      [Setting.maxConcurrentStreams, this.#maxStreams],
      [Setting.maxHeaderListSize, Math.min(maxHeaderListBytes, 2 ** 32 - 1)],
    ]);
    const age = options.maxConnectionAgeMs * (1 + ageJitter * (2 * Math.random() - 1));
    this.#ageTimer = after(age, () => this.#retire());
    this.#watchIdleness();
  }

  // ── For the server ──

  /**
   * Takes no more calls, and closes when those in flight have ended. In two steps (RFC 9113, section 6.8): calls that the
   * client makes before it hears of it are still taken.
   */
  goAway(): void {
    if (this.isGoingAway || this.isClosed) return;
    this.isGoingAway = true;
    this.sendGoaway(largestStreamId, ErrorCode.noError);
    const takeNoMore = () => this.#takeNoMore();
    this.sendPing(takeNoMore);
    this.#goawayTimer = after(goawayMs, takeNoMore);
  }

  /** Ends the calls in flight; how many that were. */
  cut(): number {
    const cut = [...this.streams.values()].filter(({ isDone }) => !isDone);
    for (const stream of cut) stream.shutDown();
    this.isGoingAway = true;
    this.#takeNoMore();
    return cut.length;
  }

  // ── For streams ──

  /** A call has its answer. */
  onAnswered(): void {
    this.#resets.earn();
    this.#pingPolicy?.onSent();
  }

  override onDataSent(bytes: number, isCut = false): void {
    super.onDataSent(bytes, isCut);
    this.#pingPolicy?.onSent();
  }

  // ── What comes ──

  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.#newestStream;
  }

  protected onHeaders(streamId: number, endsStream: boolean): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) {
      this.#onTrailers(stream, endsStream);
      return;
    }
    if (streamId % 2 === 0) throw new ConnectionError(ErrorCode.protocolError, "a stream of an even number");
    if (streamId <= this.#newestStream) {
      if (!this.wasForgotten(streamId)) throw new ConnectionError(ErrorCode.streamClosed, "HEADERS on a closed stream");
      this.overhead.spend();
      return;
    }
    this.#newestStream = streamId;
    // Past the last that is taken: its client has been told, and makes the call elsewhere.
    if (streamId > this.#lastStream) {
      this.refuse(streamId, ErrorCode.refusedStream);
      return;
    }
    this.lastPeerStream = streamId;
    const { list } = this;
    if (list.isMalformed || list.status !== undefined || (!list.isTooLong && !isRequest(list))) {
      this.resetStream(streamId, ErrorCode.protocolError, "a malformed header list");
    } else if (this.streams.size >= this.#maxStreams || this.#metadataBytes + list.keptBytes > mostMetadataBytes) {
      this.#resets.spend();
      this.refuse(streamId, ErrorCode.refusedStream);
    } else {
      this.#take(streamId, endsStream);
    }
  }

  #take(streamId: number, endsStream: boolean): void {
    const stream = new ServerStream(this, streamId, this.list);
    this.#metadataBytes += stream.listBytes;
    if (this.#metadataBytes > muchMetadataBytes && !this.#takesFewer) this.#takeFewer();
    this.enter(stream);
    if (this.#idleTimer !== undefined) {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
    }
    // Known before it is answered: whoever has sent all of it is not told to stop.
    if (endsStream) stream.closeReading();
    stream.begin(this.list, this.#dispatcher);
    if (endsStream) this.endByHeaders(stream);
  }

  /** Of a request: gRPC has none, and they are not looked at. */
  #onTrailers(stream: ServerStream, endsStream: boolean): void {
    const { isMalformed, hasRequestFields, status } = this.list;
    if (stream.isReadClosed) this.resetStream(stream.id, ErrorCode.streamClosed, "HEADERS after the end of the stream");
    else if (isMalformed || hasRequestFields || status !== undefined)
      this.resetStream(stream.id, ErrorCode.protocolError, "a malformed header list");
    else if (endsStream) this.endByHeaders(stream);
    else this.resetStream(stream.id, ErrorCode.protocolError, "HEADERS in the midst of a stream");
  }

  protected onReset(stream: ServerStream, error: number): void {
    if (!stream.isOver) this.#resets.spend();
    stream.onReset(error);
  }

  protected onStreamError(stream: ServerStream, error: number, reason: string): void {
    stream.onGone(new RpcError(Code.CANCELLED, `the client has broken the protocol: ${reason} (${errorName(error)})`));
  }

  protected onSettings(): void {
    this.#owner.onSpeaking(this);
  }

  protected override onPing(): void {
    this.#pingPolicy?.onPing(this.hasCalls);
  }

  /** A client that goes away makes no more calls; those that it has made go on. */
  protected onGoaway(): void {
    this.isGoingAway = true;
    this.#closeIfEmpty();
  }

  protected onForgotten(stream: ServerStream): void {
    this.#metadataBytes -= stream.listBytes;
    if (this.#takesFewer && this.#metadataBytes < muchMetadataBytes / 2) this.#takeAsMany();
    if (this.streams.size === 0) this.#watchIdleness();
    this.#closeIfEmpty();
  }

  protected onLost(): void {
    clearTimeout(this.#goawayTimer);
    clearTimeout(this.#ageTimer);
    clearTimeout(this.#idleTimer);
    for (const stream of this.takeOut()) {
      stream.onGone(new RpcError(Code.CANCELLED, "the call was cancelled by its caller, or its connection was lost"));
    }
  }

  protected onClosed(): void {
    this.#owner.onClosed(this);
  }

  // ── Inside ──

  /** Honest clients keep further calls waiting, where more of them would be refused. */
  #takeFewer(): void {
    this.#takesFewer = true;
    this.announce(Setting.maxConcurrentStreams, Math.min(this.streams.size + 1, this.#maxStreams));
  }

  #takeAsMany(): void {
    this.#takesFewer = false;
    this.announce(Setting.maxConcurrentStreams, this.#maxStreams);
  }

  #takeNoMore(): void {
    if (this.isClosed || this.#lastStream !== largestStreamId) return;
    clearTimeout(this.#goawayTimer);
    this.#lastStream = this.lastPeerStream;
    this.sendGoaway(this.#lastStream, ErrorCode.noError);
    this.#closeIfEmpty();
  }

  #closeIfEmpty(): void {
    if (this.isGoingAway && this.#lastStream !== largestStreamId && this.streams.size === 0) this.close("closed here");
  }

  #retire(): void {
    this.goAway();
    this.#ageTimer = after(this.#options.maxConnectionAgeGraceMs, () => this.cut());
  }

  #watchIdleness(): void {
    if (this.isGoingAway) return;
    this.#idleTimer ??= after(this.#options.maxConnectionIdleMs, () => this.goAway());
  }
}

function isRequest({ path, method, scheme }: Session["list"]): boolean {
  return path !== undefined && path !== "" && method !== undefined && scheme !== undefined;
}

function peerOf(socket: Socket): Peer {
  const address = addressOf(socket);
  // A certificate that nobody has signed says nothing of whose it is.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return { address };
  const certificate = socket.getPeerCertificate();
  // Where nobody asked for one, there is none: an empty object.
  return certificate.raw === undefined ? { address } : { address, identity: identityOf(certificate) };
}

/** Where that is a time. It does not hold the process. */
function after(ms: number, action: () => void): NodeJS.Timeout | undefined {
  return ms > longestTimerMs ? undefined : setTimeout(action, ms).unref();
}
