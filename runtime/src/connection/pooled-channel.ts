import type { Socket } from "node:net";
import { CallCounts } from "../call-counts.js";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  ChannelObserver,
  ConnectionEvent,
  State,
  TransportChannel,
} from "../contract.js";
import { longestTimerMs } from "../deadline.js";
import { EventTrace } from "../event-trace.js";
import type { Code } from "../status.js";
import type { ConnectionSettings } from "./settings.js";
import { traceEvent, traceState } from "./traced-event.js";

/** Makes a channel of a transport; called again after it has failed. */
export type MakeChannel = (settings: ConnectionSettings, observer: ChannelObserver) => Promise<TransportChannel>;

/** Whom a channel tells what becomes of it. */
export interface ChannelOwner {
  /** The channel of a transport that it is to use. */
  makeChannel(observer: ChannelObserver): Promise<TransportChannel>;
  channelMade(channel: PooledChannel): void;
  channelChanged(channel: PooledChannel): void;
  channelEvent(channel: PooledChannel, event: ConnectionEvent): void;
  callEnded(channel: PooledChannel, code: Code | undefined): void;
}

/** One of the channels of a connection, with what has to be known of it to choose among them. */
export class PooledChannel implements ChannelObserver {
  readonly #owner: ChannelOwner;
  #outcome: ((state: State) => void) | undefined;
  #channel: TransportChannel | undefined;
  /** Resolves when calls can be started on it; rejects where it could not be made. */
  readonly opened: Promise<void>;
  /** Meant for one call, and for no other. */
  readonly once: boolean;
  state: State = "CONNECTING";
  inFlight = 0;
  /** When a call last began or ended, or when it was made. */
  lastUsedAt: number = now();
  connectedAt: number | undefined;
  /** A ping under way that finds out whether the peer is still there. */
  probe: Promise<void> | undefined;
  /** Until it is replaced. */
  ageTimer: NodeJS.Timeout | undefined;
  /** Times that a replacement failed since it last worked. */
  failures = 0;
  /** Is given no more calls. */
  isDraining = false;
  readonly calls: CallCounts = new CallCounts();
  readonly trace: EventTrace = new EventTrace();

  constructor(owner: ChannelOwner, once = false) {
    this.#owner = owner;
    this.once = once;
    this.opened = owner.makeChannel(this).then((channel) => {
      this.#channel = channel;
      // Nobody opens a channel but for use: it does not stop at IDLE.
      channel.connect();
      if (channel.state !== "IDLE") this.onState(channel.state);
    });
    owner.channelMade(this);
  }

  get isOpen(): boolean {
    return this.#channel !== undefined;
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    const handle = this.#channel!.start(spec, sink);
    // Where it threw there is no call, and there will be no end of one.
    this.inFlight++;
    this.lastUsedAt = now();
    this.calls.onStart(this.lastUsedAt);
    return handle;
  }

  connect(): void {
    this.#channel?.connect();
  }

  /** Resolves with whether it becomes READY: within so many milliseconds, and by its first attempt. */
  async becomesReady(withinMs: number): Promise<boolean> {
    await this.opened;
    if (this.state !== "CONNECTING" && this.state !== "IDLE") return this.state === "READY";
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.min(withinMs, longestTimerMs)).unref();
      this.#outcome = (state) => {
        clearTimeout(timer);
        resolve(state === "READY");
      };
    });
  }

  /** Those that are open, as far as the transport has any and shows them. */
  get sockets(): Iterable<Socket> {
    return this.#channel?.sockets?.() ?? [];
  }

  get canPing(): boolean {
    return this.#channel?.capabilities.ping === true;
  }

  /** A round trip in milliseconds; rejects where there is no answer by then. Only where it can. */
  ping(deadline: number): Promise<number> {
    return this.#channel!.ping!(deadline);
  }

  /** Is given no more calls; closes when those in flight have ended, or were cut after `graceMs`. May be told again. */
  drain(graceMs: number): Promise<void> {
    clearTimeout(this.ageTimer);
    this.isDraining = true;
    return this.opened.then(
      () => this.#channel?.drain(graceMs),
      () => {},
    );
  }

  // ── Reported by the transport ──

  onState(state: State): void {
    if (state === this.state) return;
    this.state = state;
    traceState(this.trace, state);
    if (state === "READY" || state === "TRANSIENT_FAILURE") this.#outcome?.(state);
    this.#owner.channelChanged(this);
  }

  onEvent(event: ConnectionEvent): void {
    if (event.type === "connected") this.connectedAt = now();
    traceEvent(this.trace, event, this.isDraining);
    this.#owner.channelEvent(this, event);
  }

  onCallEnd(code: Code | undefined): void {
    this.inFlight--;
    this.lastUsedAt = now();
    this.calls.onEnd(code);
    this.#owner.callEnded(this, code);
  }
}

/** Monotonic milliseconds; whole ones, which take no object of their own. */
function now(): number {
  return Math.trunc(performance.now());
}
