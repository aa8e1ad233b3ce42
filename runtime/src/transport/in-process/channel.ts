import type {
  CallHandle,
  CallSink,
  CallSpec,
  Capabilities,
  ChannelObserver,
  ConnectionEvent,
  ConnectOptions,
  State,
  TransportChannel,
} from "../../contract.js";
import { atDeadline, longestTimerMs } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { Turns } from "../../turns.js";
import { type AnyCall, type CallOwner, InProcessCall } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import type { Link, LinkClient } from "./link.js";

/** By which an attempt to connect is later than the one before, and how much that varies: gRPC Connection Backoff. */
const backoffFactor = 1.6;
const backoffJitter = 0.2;

/** Looks for the server, or says why there is none. */
export type Find = () => Endpoint | string;

/** A channel's way to a server in the same isolate: states, events and failures are those of a connection. */
export class InProcessChannel implements TransportChannel, LinkClient, CallOwner {
  readonly capabilities: Capabilities = { ping: true, compressionPerCall: true };
  readonly turns: Turns = new Turns();
  readonly #find: Find;
  readonly #options: ConnectOptions;
  readonly #observer: ChannelObserver;
  #state: State = "IDLE";
  /** The connection that takes calls. */
  #link: Link | undefined;
  /** All that are open: a server may have said GOAWAY on some. */
  readonly #links = new Set<Link>();
  readonly #calls = new Set<AnyCall>();
  /** Those that wait for a connection, or for room on it. */
  readonly #waiting = new Set<AnyCall>();
  #failures = 0;
  lastReason: string | undefined;
  #backoffTimer: NodeJS.Timeout | undefined;
  #drained: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(find: Find, options: ConnectOptions, observer: ChannelObserver) {
    this.#find = find;
    this.#options = options;
    this.#observer = observer;
  }

  get state(): State {
    return this.#state;
  }

  connect(): void {
    if (this.#state === "IDLE") this.#beginToConnect();
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    if (this.#drained !== undefined) throw new RpcError(Code.UNAVAILABLE, "the connection was closed");
    const call = new InProcessCall(spec, sink, this, this.#options.maxReceiveMessageBytes);
    this.#calls.add(call);
    this.#place(call);
    return call;
  }

  ping(deadline: number): Promise<number> {
    const link = this.#link;
    const began = performance.now();
    return new Promise((resolve, reject) => {
      if (link?.takesCalls !== true) return reject(new RpcError(Code.UNAVAILABLE, "there is no connection"));
      const answer = () => {
        const now = performance.now();
        if (now <= deadline) resolve(now - began);
        else reject(new RpcError(Code.DEADLINE_EXCEEDED, "the answer came after the deadline"));
      };
      link.ping(() => this.turns.post(answer));
    });
  }

  drain(graceMs: number): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      this.#onDrained = resolve;
    });
    const cut = () => {
      for (const call of [...this.#calls]) call.cancel(Code.UNAVAILABLE, "the connection was closed");
    };
    if (graceMs <= 0) cut();
    const stop = atDeadline(performance.now() + graceMs, cut);
    if (this.#calls.size === 0) this.#close();
    return this.#drained.finally(stop);
  }

  /** A call has told its sink of its end. */
  ended(call: AnyCall, code: Code): void {
    this.#calls.delete(call);
    this.#waiting.delete(call);
    call.link?.release();
    this.#observer.onCallEnd(code);
    this.#placeWaiting();
    if (this.#drained !== undefined && this.#calls.size === 0) this.#close();
  }

  // ── Reported by connections ──

  onGoaway(link: Link): void {
    if (!this.#links.has(link)) return;
    this.#leave(link);
    this.#tell({ type: "goaway", peer: link.peer, reason: "the peer takes no more calls" });
  }

  onClosed(link: Link, reason: string): void {
    this.#links.delete(link);
    this.#leave(link);
    this.#tell({ type: "disconnected", peer: link.peer, reason });
    if (this.#state === "SHUTDOWN") this.#endDrain();
  }

  // ── Inside ──

  /** Puts a call where it belongs: on the connection, or with those that wait. */
  #place(call: AnyCall): void {
    if (this.#link?.takesCalls === true) {
      if (this.#link.hasRoom) call.begin(this.#link);
      else this.#waiting.add(call);
    } else if (this.#state === "TRANSIENT_FAILURE" && !call.waitsForReady) {
      this.#fail(call);
    } else {
      this.#waiting.add(call);
      // The server has gone, and the word of it is still on its way.
      if (this.#link !== undefined) this.#leave(this.#link);
      else this.connect();
    }
  }

  #placeWaiting(): void {
    for (const call of this.#waiting) {
      if (this.#link?.takesCalls !== true || !this.#link.hasRoom) return;
      this.#waiting.delete(call);
      if (!call.isDone) call.begin(this.#link);
    }
  }

  #fail(call: AnyCall): void {
    call.fail(`no connection could be made: ${this.lastReason}`);
  }

  #beginToConnect(): void {
    this.#become("CONNECTING");
    this.turns.post(() => this.#tryToConnect());
  }

  #tryToConnect(): void {
    if (this.#state !== "CONNECTING") return;
    const found = this.#find();
    const link = typeof found === "string" ? found : found.connect(this, this.#options.credentials.kind);
    if (typeof link === "string") {
      this.#backOff(link);
      return;
    }
    this.#failures = 0;
    this.lastReason = undefined;
    this.#link = link;
    this.#links.add(link);
    this.#become("READY");
    this.#tell({ type: "connected", peer: link.peer });
    this.#placeWaiting();
  }

  #backOff(reason: string): void {
    const { initialMs, maxMs } = this.#options.backoff;
    const varied = 1 + backoffJitter * (2 * Math.random() - 1);
    const backoffMs = Math.min(initialMs * backoffFactor ** this.#failures++, maxMs) * varied;
    this.lastReason = reason;
    this.#become("TRANSIENT_FAILURE");
    this.#tell({ type: "backoff", reason, backoffMs: Math.round(backoffMs) });
    // It does not hold the process: what is to listen there is in it as well.
    this.#backoffTimer = setTimeout(() => this.#beginToConnect(), Math.min(backoffMs, longestTimerMs)).unref();
    for (const call of this.#waiting) {
      if (call.waitsForReady) continue;
      this.#waiting.delete(call);
      this.#fail(call);
    }
  }

  /** A connection takes no more calls. */
  #leave(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#become("IDLE");
    if (this.#waiting.size > 0) this.connect();
  }

  #close(): void {
    if (this.#state === "SHUTDOWN") return;
    clearTimeout(this.#backoffTimer);
    this.#link = undefined;
    this.#become("SHUTDOWN");
    for (const link of this.#links) link.close();
    this.#endDrain();
  }

  /** Its connections tell of their end, and whoever waits for it hears of that first. */
  #endDrain(): void {
    if (this.#links.size === 0) this.turns.post(() => this.#onDrained?.());
  }

  // What somebody is told comes in a turn of its own, a state before the event that goes with it.

  #become(state: State): void {
    this.#state = state;
    this.turns.post(() => this.#observer.onState(state));
  }

  #tell(event: ConnectionEvent): void {
    this.turns.post(() => this.#observer.onEvent(event));
  }
}
