import type { Dispatcher, Peer, ServeOptions } from "../../contract.js";
import { longestTimerMs } from "../../deadline.js";
import { Code } from "../../status.js";
import type { Turns } from "../../turns.js";
import { type IncomingCallOwner, InProcessIncomingCall } from "./incoming-call.js";
import type { Stream } from "./stream.js";

/** A channel, as it is told of its connection; in its own turns. */
export interface LinkClient {
  readonly turns: Turns;
  /** The server takes no more calls on it; those in flight go on. */
  onGoaway(link: Link): void;
  onClosed(link: Link, reason: string): void;
}

/** A connection between a channel and a server: the server's part of it. */
export class Link implements IncomingCallOwner {
  /** The server's address. */
  readonly peer: string;
  readonly client: Peer;
  readonly serverTurns: Turns;
  readonly #channel: LinkClient;
  readonly #dispatcher: Dispatcher;
  readonly #options: ServeOptions;
  readonly #onClosed: () => void;
  readonly #calls = new Set<InProcessIncomingCall>();
  /** Calls that are on their way or at the server. */
  #atServer = 0;
  /** Calls of which the channel has not heard the end. */
  #atClient = 0;
  #takesCalls = true;
  #isCut = false;
  #isClosed = false;
  #ageTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(
    addresses: { readonly peer: string; readonly client: string },
    channel: LinkClient,
    serverTurns: Turns,
    dispatcher: Dispatcher,
    options: ServeOptions,
    onClosed: () => void,
  ) {
    this.peer = addresses.peer;
    this.client = { address: addresses.client };
    this.#channel = channel;
    this.serverTurns = serverTurns;
    this.#dispatcher = dispatcher;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#ageTimer = after(options.maxConnectionAgeMs, () => this.#retire());
    this.#watchIdleness();
  }

  // ── For the channel ──

  get takesCalls(): boolean {
    return this.#takesCalls;
  }

  /** Whether the server takes one more call at a time. */
  get hasRoom(): boolean {
    return this.#atClient < this.#options.maxConcurrentStreams;
  }

  start(stream: Stream): void {
    this.#atClient++;
    this.#atServer++;
    clearTimeout(this.#idleTimer);
    this.serverTurns.post(() => this.#accept(stream));
  }

  cancel(stream: Stream, isLate: boolean): void {
    this.serverTurns.post(() => stream.onCancel?.(isLate));
  }

  /** The channel has heard of the end of a call. */
  release(): void {
    this.#atClient--;
    if (this.#atClient === 0) this.#watchIdleness();
  }

  /** @param answer called in a turn of the server */
  ping(answer: () => void): void {
    this.serverTurns.post(answer);
  }

  /** Closed by its channel, which has no calls on it. */
  close(): void {
    this.#takesCalls = false;
    this.#close("closed here");
  }

  // ── For the server ──

  /** Takes no more calls; closes when those in flight have ended. */
  goAway(): void {
    if (!this.#takesCalls) return;
    this.#takesCalls = false;
    if (this.#atServer === 0) this.#close("closed by the peer");
    else this.#channel.turns.post(() => this.#channel.onGoaway(this));
  }

  /** Ends the calls in flight; tells how many. */
  cut(): number {
    const cut = this.#atServer;
    this.#isCut = true;
    for (const call of [...this.#calls]) call.shutDown();
    return cut;
  }

  ended(call: InProcessIncomingCall): void {
    this.#calls.delete(call);
    this.#leave();
  }

  // ── Inside ──

  #accept(stream: Stream): void {
    if (stream.isCancelled) {
      this.#leave();
      return;
    }
    if (this.#isCut) {
      this.#refuse(stream);
      return;
    }
    stream.isAccepted = true;
    const call = new InProcessIncomingCall(stream, this);
    this.#calls.add(call);
    call.start(this.#dispatcher);
  }

  #refuse({ requests, responses }: Stream): void {
    requests.stop();
    responses.close({ code: Code.UNAVAILABLE, details: "the server is shutting down", trailers: [] });
    this.#leave();
  }

  /** A call is no longer at the server. */
  #leave(): void {
    this.#atServer--;
    if (!this.#takesCalls && this.#atServer === 0) this.#close("closed by the peer");
  }

  #retire(): void {
    this.goAway();
    if (!this.#isClosed) this.#ageTimer = after(this.#options.maxConnectionAgeGraceMs, () => this.cut());
  }

  #watchIdleness(): void {
    this.#idleTimer = after(this.#options.maxConnectionIdleMs, () => this.goAway());
  }

  #close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#ageTimer);
    clearTimeout(this.#idleTimer);
    this.#onClosed();
    this.#channel.turns.post(() => this.#channel.onClosed(this, reason));
  }
}

/** Where that is a time. It does not hold the process. */
function after(ms: number, action: () => void): NodeJS.Timeout | undefined {
  return ms > longestTimerMs ? undefined : setTimeout(action, ms).unref();
}
