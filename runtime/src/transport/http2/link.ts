import type { Socket } from "node:net";
import { FrameRules } from "./frame-rules.js";
import { ConnectionError, ErrorCode, errorName, Flag, FrameType } from "./frames.js";
import { Keepalive, type KeepaliveTiming } from "./keepalive.js";
import { Lateness } from "./lateness.js";
import { Output } from "./output.js";

/** Milliseconds in which a connection that is ended here has to close. */
const closingMs = 1000;

/** Bytes that the peer makes us hold by not reading: of frames that no window bounds, and of messages. */
export const mostUnreadBytes: number = 1024 * 1024;

export interface LinkOptions {
  /** Bytes, as RFC 9113 (section 6.5.2) counts a header list. */
  readonly maxHeaderListBytes: number;
  readonly keepalive: KeepaliveTiming | false;
  readonly keepaliveWithoutCalls: boolean;
  /** What the peer has to begin with. */
  readonly preface?: Buffer;
}

/** Of a socket: who speaks on it. */
const speaker: unique symbol = Symbol("speaker");

interface SpokenSocket extends Socket {
  [speaker]: Link;
}

/** Why a socket has failed is asked of it when it is closed. */
function nothing(): void {}

/** One socket that HTTP/2 is spoken on: what comes and what leaves, pings, and how it ends. */
export abstract class Link extends FrameRules {
  readonly socket: Socket;
  readonly output: Output;
  /** Monotonic milliseconds; whole ones, which take no object of their own. */
  lastReadAt: number = Math.trunc(performance.now());
  /** The newest stream that the peer has opened. */
  protected lastPeerStream = 0;
  protected isClosed = false;
  /** Why it is closed, as soon as that is known. */
  protected closeReason: string | undefined;
  /** Told of answers, which come in the order of the pings. Made with the first. */
  #pings: (() => void)[] | undefined;
  readonly #keepalive: Keepalive | undefined;
  #lateness: Lateness | undefined;

  constructor(socket: Socket, options: LinkOptions) {
    super(options.preface, options.maxHeaderListBytes);
    this.socket = socket;
    this.output = new Output(socket);
    if (options.keepalive !== false) {
      this.#keepalive = new Keepalive(this, options.keepalive, options.keepaliveWithoutCalls);
    }
    const spoken = socket as SpokenSocket;
    spoken[speaker] = this;
    spoken.on("data", Link.#onData);
    spoken.on("drain", Link.#onDrain);
    // Whoever has opened it listens already, most likely.
    if (spoken.listenerCount("error") === 0) spoken.on("error", nothing);
    spoken.on("close", Link.#onClose);
  }

  // The listeners of all sockets: closures of its own for each would be a tenth of what an idle connection costs.

  static readonly #onData = function (this: SpokenSocket, chunk: Buffer): void {
    this[speaker].#onChunk(chunk);
  };

  static readonly #onDrain = function (this: SpokenSocket): void {
    this[speaker].serve();
  };

  static readonly #onClose = function (this: SpokenSocket): void {
    this[speaker].#onSocketClosed();
  };

  abstract get hasCalls(): boolean;
  /** The socket takes more again, or the peer does: what waits for that goes on. */
  protected abstract serve(): void;
  /** Calls that are on it come to an end. */
  protected abstract onLost(reason: string): void;
  /** The socket is closed: the last event. */
  protected abstract onClosed(reason: string): void;

  #onChunk(chunk: Buffer): void {
    if (this.isClosed) return;
    this.lastReadAt = Math.trunc(performance.now());
    try {
      this.read(chunk);
      this.#checkUnread();
      this.#watchLateness();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error.code, error.message);
    }
  }

  #watchLateness(): void {
    if (this.isClosed) return;
    const block = this.unfinishedBlock;
    const unfinished = block ?? this.partialFrame;
    if (unfinished === undefined && this.#lateness === undefined) return;
    this.#lateness ??= new Lateness((reason) => this.fail(ErrorCode.enhanceYourCalm, reason));
    this.#lateness.watch(unfinished, block === undefined ? "a frame" : "a header block");
  }

  /** A peer that reads nothing can have us keep what no window bounds: answers to its pings, headers, trailers. */
  #checkUnread(): void {
    if (this.output.pendingBytes > mostUnreadBytes) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "answers that nobody reads");
    }
  }

  // ── Pings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  sendPing(onAnswer: () => void): void {
    this.#pings ??= [];
    this.#pings.push(onAnswer);
    this.output.frame(8, FrameType.ping, 0, 0);
    this.output.uint32(0);
    this.output.uint32(this.#pings.length);
  }

  protected onPingAnswer(): void {
    const onAnswer = this.#pings?.shift();
    if (onAnswer === undefined) this.overhead.spend();
    else onAnswer();
  }

  protected onPingFrame(chunk: Buffer, start: number, end: number): void {
    this.onPing();
    this.output.frame(8, FrameType.ping, Flag.ack, 0);
    this.output.bytes(chunk, start, end);
  }

  /** The peer pings. */
  protected onPing(): void {}

  onNoAnswer(): void {
    this.close("the peer did not answer a ping");
  }

  // ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  sendGoaway(lastStream: number, error: number, debug = ""): void {
    const bytes = Buffer.from(debug, "latin1");
    this.output.frame(8 + bytes.length, FrameType.goaway, 0, 0);
    this.output.uint32(lastStream);
    this.output.uint32(error);
    this.output.bytes(bytes);
  }

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
    this.stop();
    this.onLost(this.closeReason);
    this.output.flush();
    this.output.close();
    this.socket.end();
  }

  /** Waits for nothing any more. */
  protected stop(): void {
    this.#keepalive?.stop();
    this.#lateness?.stop();
    this.#pings = undefined;
  }
}
