/**
 * The channels of a connection: one, or several where its options ask for a pool. Here is decided which one a call
 * takes, and when a channel is opened, no longer trusted, replaced and closed.
 */
import type { ChannelObserver, ConnectionEvent, State, TransportChannel } from "../contract.js";
import { longestTimerMs } from "../deadline.js";
import { RpcError } from "../error.js";
import { longWaits } from "../long-waits.js";
import { Code } from "../status.js";
import type { Bucket, Expiring } from "../timing-wheel.js";
import { loadTransport } from "../transport/transports.js";
import { type ChannelOwner, type MakeChannel, PooledChannel } from "./pooled-channel.js";
import type { ConnectionSettings } from "./settings.js";
import { SuspendDetector } from "./suspend.js";

/** Whom a pool tells what becomes of it. */
export interface PoolListener {
  /** A call may find a channel now that found none before. */
  onRoom(): void;
  /** No channel could be opened, and none is there: calls that wait for one wait in vain. */
  onFailure(error: RpcError): void;
  onState(state: State): void;
  onEvent(event: ConnectionEvent, channel: PooledChannel): void;
  /** A channel was made, or is given no more calls. */
  onChannel(channel: PooledChannel, what: "made" | "retired"): void;
  onCallEnd(code: Code | undefined): void;
}

/** When a channel has so much of the calls that it takes, another is opened: before a call has to wait. */
const growAt = 0.8;
/** A maximum age is varied by so much, so that many clients do not move at once. */
const ageJitter = 0.1;
/** A peer that is there answers a ping within this time; to replace the connection of one that does not costs little. */
const probeTimeoutMs = 1000;
/** A replacement that was not ready in time is tried again after this time. */
const replaceAgainMs = 30_000;
/** By which each wait for another address, or other credentials, is longer than the one before. */
const backoffFactor = 1.6;

export class Pool implements ChannelOwner, Expiring {
  readonly #settings: ConnectionSettings;
  readonly #make: MakeChannel;
  readonly #listener: PoolListener;
  readonly #suspend = new SuspendDetector();
  /** Those that take calls, or will when they are open. */
  #channels: readonly PooledChannel[] = [];
  /** Those that take no more calls, until the last of theirs has ended. */
  #retiring: Set<PooledChannel> | undefined;
  #state: State = "IDLE";
  #closed = false;
  #turn = 0;
  bucket: Bucket | undefined = undefined;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;

  constructor(settings: ConnectionSettings, make: MakeChannel, listener: PoolListener) {
    this.#settings = settings;
    this.#make = settings.healthCheck === undefined ? make : checked(make);
    this.#listener = listener;
  }

  /** What its best channel is doing. */
  get state(): State {
    return this.#state;
  }

  get channels(): readonly PooledChannel[] {
    return this.#channels;
  }

  /** With those that take no more calls, and close when theirs have ended. */
  get allChannels(): readonly PooledChannel[] {
    return [...this.#channels, ...(this.#retiring ?? [])];
  }

  /**
   * A channel for a call. Where there is none it opens one, unless all may be open that may; `onRoom` tells of it.
   *
   * @param told the call has waited for `onRoom`: what there is has just been opened, probed, or used
   */
  take(told = false): PooledChannel | undefined {
    const { min, max, maxStreamsPerConnection } = this.#settings.pool;
    if (this.#suspend.wasSuspended()) for (const channel of this.#open()) this.#distrust(channel);
    const channel = this.#pick();
    if (channel === undefined) {
      const opening = this.#channels.some((one) => this.#isUndecided(one));
      const wanted = this.#channels.length === 0 ? Math.max(min, 1) : opening ? 0 : 1;
      for (let i = 0; i < wanted && this.#channels.length < max; i++) this.#add();
      return undefined;
    }
    if (!told && this.#isForgotten(channel)) {
      this.#distrust(channel);
      return undefined;
    }
    if (channel.inFlight + 1 >= growAt * maxStreamsPerConnection && this.#channels.length < max) {
      if (this.#channels.every(({ isOpen }) => isOpen)) this.#add();
    }
    return channel;
  }

  /** A channel for one call, closed after it. */
  takeOnce(): PooledChannel {
    const channel = new PooledChannel(this, true);
    this.#setAside(channel);
    return channel;
  }

  /** Opens the channels that are open from the beginning, and connects them. */
  connect(): void {
    while (this.#channels.length < Math.max(this.#settings.pool.min, 1)) this.#add();
    for (const channel of this.#channels) channel.opened.then(() => channel.connect()).catch(() => {});
  }

  /** Connects those that are open and have lost their connection. */
  reconnect(): void {
    for (const channel of this.#open()) channel.connect();
  }

  /** Replaces every channel by a new one, which is ready before the old one takes no more calls. */
  replaceAll(): void {
    for (const channel of this.#open()) void this.#replace(channel);
  }

  /** Takes a channel out: it closes when its calls have ended. */
  retire(channel: PooledChannel): void {
    this.#channels = without(this.#channels, channel);
    this.#setAside(channel);
    // It may be told twice, as by a call that is cancelled while its own channel opens.
    if (!channel.isDraining) this.#listener.onChannel(channel, "retired");
    // Whatever goes wrong with a channel that nobody uses any more.
    void channel
      .drain(Number.POSITIVE_INFINITY)
      .catch(() => {})
      .then(() => this.#forget(channel));
    this.#update();
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    longWaits.remove(this);
    const all = this.allChannels;
    this.#channels = [];
    this.#update();
    await Promise.all(all.map((channel) => channel.drain(graceMs)));
  }

  // ── Reported by channels ──────────────────────────────────────────────────────────────────────────────────────────

  makeChannel(observer: ChannelObserver): Promise<TransportChannel> {
    return this.#make(this.#settings, observer);
  }

  channelChanged(channel: PooledChannel): void {
    if (channel.state === "READY") channel.failures = 0;
    if (channel.state === "TRANSIENT_FAILURE") this.#askAgain(channel);
    this.#update();
  }

  channelMade(channel: PooledChannel): void {
    this.#listener.onChannel(channel, "made");
  }

  channelEvent(channel: PooledChannel, event: ConnectionEvent): void {
    this.#listener.onEvent(event, channel);
  }

  callEnded(channel: PooledChannel, code: Code | undefined): void {
    this.#listener.onCallEnd(code);
    if (channel.once) this.retire(channel);
    else if (channel.inFlight === 0) this.#watchIdleness();
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #open(): PooledChannel[] {
    return this.#channels.filter(({ isOpen }) => isOpen);
  }

  /** Calls do not find it. */
  #setAside(channel: PooledChannel): void {
    this.#retiring ??= new Set();
    this.#retiring.add(channel);
  }

  #forget(channel: PooledChannel): void {
    this.#retiring?.delete(channel);
    if (this.#retiring?.size === 0) this.#retiring = undefined;
  }

  /** Of the channels with room; one that works before one that does not. */
  #pick(): PooledChannel | undefined {
    const { pick, maxStreamsPerConnection } = this.#settings.pool;
    const [only] = this.#channels;
    if (this.#channels.length === 1 && only !== undefined) {
      return only.isOpen && only.probe === undefined && only.inFlight < maxStreamsPerConnection ? only : undefined;
    }
    let best: PooledChannel[] = [];
    let bestRank = Number.POSITIVE_INFINITY;
    for (const channel of this.#channels) {
      if (this.#isUndecided(channel) || channel.probe !== undefined || channel.inFlight >= maxStreamsPerConnection) {
        continue;
      }
      const load = pick === "least-loaded" ? channel.inFlight : 0;
      const rank = ranks[channel.state] * 1e9 + load;
      if (rank < bestRank) best = [];
      if (rank <= bestRank) best.push(channel);
      bestRank = Math.min(rank, bestRank);
    }
    const [first] = best;
    // Where the health of another is yet to be heard, a call does not have to take one that does not work.
    if (first !== undefined && first.state !== "READY" && this.#isChecking()) return undefined;
    // Equals take turns, or calls one after the other would never leave the first.
    return best[pick === "random" ? Math.floor(Math.random() * best.length) : this.#turn++ % best.length];
  }

  /** Whether it is being opened, or has yet to say whether its peer takes calls: of several, one that has is preferred. */
  #isUndecided({ isOpen, state }: PooledChannel): boolean {
    return !isOpen || (this.#settings.healthCheck !== undefined && state === "CONNECTING");
  }

  #isChecking(): boolean {
    return this.#settings.healthCheck !== undefined && this.#channels.some((one) => this.#isUndecided(one));
  }

  /** Long without a call: what lies between may have dropped it without a word. */
  #isForgotten(channel: PooledChannel): boolean {
    return (
      channel.inFlight === 0 &&
      channel.state === "READY" &&
      performance.now() - channel.lastUsedAt > this.#settings.probeAfterIdleMs
    );
  }

  /** Makes sure of the peer before the next call: by a ping, or by a new connection where the transport has none. */
  #distrust(channel: PooledChannel): void {
    if (!channel.canPing || channel.state !== "READY") {
      this.retire(channel);
      this.#add();
      return;
    }
    const withinMs = Math.min(probeTimeoutMs, this.#settings.connectTimeoutMs);
    channel.probe ??= channel.ping(performance.now() + withinMs).then(
      () => {
        channel.probe = undefined;
        channel.lastUsedAt = Math.trunc(performance.now());
        this.#listener.onRoom();
      },
      () => {
        if (this.#closed) return;
        this.retire(channel);
        this.#add();
      },
    );
  }

  #add(channel: PooledChannel = new PooledChannel(this)): void {
    this.#channels = this.#channels.concat(channel);
    this.#update();
    channel.opened.then(
      () => {
        if (!this.#channels.includes(channel)) return;
        this.#watchAge(channel);
        this.#watchIdleness();
        this.#update();
        this.#listener.onRoom();
      },
      (cause) => {
        if (!this.#channels.includes(channel)) return;
        this.#channels = without(this.#channels, channel);
        this.#update();
        if (this.#channels.length > 0) return;
        this.#listener.onFailure(notOpened(cause));
      },
    );
  }

  #watchAge(channel: PooledChannel): void {
    this.#replaceIn(this.#settings.maxAgeMs * (1 + ageJitter * (2 * Math.random() - 1)), channel);
  }

  /** Where a transport cannot connect, it tries again what it was given; whoever gave it may have something else now. */
  #askAgain(channel: PooledChannel): void {
    const { resolver, credentials, backoff } = this.#settings;
    if (resolver === undefined && typeof credentials !== "function") return;
    if (!this.#channels.includes(channel)) return;
    this.#replaceIn(Math.min(backoff.initialMs * backoffFactor ** channel.failures, backoff.maxMs), channel);
  }

  #replaceIn(millis: number, channel: PooledChannel): void {
    clearTimeout(channel.ageTimer);
    if (millis > longestTimerMs) return;
    channel.ageTimer = setTimeout(() => void this.#replace(channel), millis).unref();
  }

  /** Make before break. Where no replacement can be had, the old one stays. */
  async #replace(channel: PooledChannel): Promise<void> {
    const next = new PooledChannel(this);
    this.#setAside(next);
    const ready = await next.becomesReady(this.#settings.connectTimeoutMs).catch(() => false);
    if (this.#closed) return;
    const index = this.#channels.indexOf(channel);
    if (!ready || index < 0) {
      this.retire(next);
      if (index < 0) return;
      channel.failures++;
      if (channel.state === "READY") this.#replaceIn(Math.min(replaceAgainMs, this.#settings.maxAgeMs), channel);
      else this.#askAgain(channel);
      return;
    }
    this.#forget(next);
    this.#channels = this.#channels.map((one) => (one === channel ? next : one));
    this.#watchAge(next);
    this.retire(channel);
    this.#watchIdleness();
    this.#listener.onRoom();
  }

  /** One wait for all channels, begun when one is without calls: calls that come and go do not touch it. */
  #watchIdleness(afterMs = this.#settings.idleTimeoutMs): void {
    if (this.bucket !== undefined || this.#closed) return;
    const now = performance.now();
    longWaits.add(this, now + afterMs, now);
  }

  /** A busy connection keeps its smallest number of channels, an idle one none. */
  onDeadline(): void {
    const { idleTimeoutMs, pool } = this.#settings;
    const now = performance.now();
    const idle = this.#open().filter(({ inFlight }) => inFlight === 0);
    const due = idle.filter(({ lastUsedAt }) => now - lastUsedAt >= idleTimeoutMs);
    const keep = due.length === this.#channels.length ? 0 : pool.min;
    for (const channel of due.slice(0, Math.max(0, this.#channels.length - keep))) this.retire(channel);
    const next = Math.min(...idle.filter((one) => !due.includes(one)).map(({ lastUsedAt }) => lastUsedAt));
    if (next !== Number.POSITIVE_INFINITY) this.#watchIdleness(next + idleTimeoutMs - now);
  }

  #update(): void {
    let state: State = this.#closed ? "SHUTDOWN" : "IDLE";
    if (!this.#closed) for (const one of this.#channels) if (ranks[one.state] < ranks[state]) state = one.state;
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.onState(state);
  }
}

function without(channels: readonly PooledChannel[], gone: PooledChannel): readonly PooledChannel[] {
  return channels.filter((one) => one !== gone);
}

/** Loaded by its first use: who does not ask for health does not pay for it. */
function checked(make: MakeChannel): MakeChannel {
  return async (settings, observer) => {
    // Channels that are made here of connections ask the peer of each.
    if ("speak" in (await loadTransport(settings.transport))) return make(settings, observer);
    const { healthChecked } = await import("./health-checked-channel.js");
    return healthChecked(settings, settings.healthCheck!.serviceName, make, observer);
  };
}

/** Why a channel could not be made. Where somebody said it with a code, it is that; to try again may be in vain. */
export function notOpened(cause: unknown): RpcError {
  const { code, details } = RpcError.from(cause);
  const known = cause instanceof RpcError ? code : Code.UNAVAILABLE;
  return new RpcError(known, `the connection could not be opened: ${details}`, { cause });
}

/** What many channels are doing together is what the best of them is doing. */
const ranks: { readonly [S in State]: number } = {
  READY: 0,
  CONNECTING: 1,
  TRANSIENT_FAILURE: 2,
  IDLE: 3,
  SHUTDOWN: 4,
};
