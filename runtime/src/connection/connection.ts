import { CallCounts } from "../call-counts.js";
import type { CallHandle, CallSink, CallSpec, ConnectionEvent, ServiceDesc, State } from "../contract.js";
import { RpcError } from "../error.js";
import { EventTrace } from "../event-trace.js";
import { identityOf } from "../identity.js";
import { Code } from "../status.js";
import { wallClockOf } from "../wall-clock.js";
import { watchAddresses } from "./addresses.js";
import type { ConnectionStats } from "./connection-stats.js";
import { publishEvent } from "./diagnostics.js";
import { credentialsOf } from "./open-channel.js";
import { notOpened, Pool, type PoolListener } from "./pool.js";
import type { MakeChannel, PooledChannel } from "./pooled-channel.js";
import type { ConnectionSettings } from "./settings.js";
import { traceEvent, traceState } from "./traced-event.js";
import { WaitingCall } from "./waiting-call.js";

// biome-ignore lint/suspicious/noExplicitAny: calls of all types wait in one queue; each is started as what it is.
type Queued = WaitingCall<any, any>;

/** The connection to one target that all handles of it share, from the first dial to `close`. */
export class Connection implements PoolListener {
  readonly settings: ConnectionSettings;
  /** What has happened to it and to its channels. */
  readonly trace: EventTrace = new EventTrace();
  readonly #pool: Pool;
  readonly #forget: (connection: Connection) => void;
  // Made with the first that is in it: a process may have thousands of connections that are idle.
  #clients: Map<ServiceDesc, unknown> | undefined;
  #queue: Set<Queued> | undefined;
  #stateListeners: Set<(state: State) => void> | undefined;
  #eventListeners: Set<(event: ConnectionEvent) => void> | undefined;
  #closed: Promise<void> | undefined;
  #stopWatchingAddresses: (() => void) | undefined;
  readonly #calls = new CallCounts();
  #connects = 0;
  #lastError: string | undefined;

  /** @param forget takes the connection out of its registry, so that the next dial makes a new one */
  constructor(
    settings: ConnectionSettings,
    makeChannel: MakeChannel,
    forget: (connection: Connection) => void = () => {},
  ) {
    this.settings = settings;
    this.#forget = forget;
    this.#pool = new Pool(settings, makeChannel, this);
  }

  // ── Calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts a call, at once or when there is a channel for it. Throws where it cannot even wait. */
  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    if (this.#closed !== undefined) throw this.#closedError();
    if (this.settings.short) return this.#startAlone(spec, sink);
    const channel = this.#queue === undefined || !spec.waitForReady ? this.#pool.take() : undefined;
    if (channel !== undefined && (channel.state === "READY" || !spec.waitForReady)) {
      const handle = channel.start(spec, sink);
      this.#calls.onStart(channel.lastUsedAt);
      return handle;
    }
    const { maxQueuedCalls } = this.settings.pool;
    if (this.#queued >= maxQueuedCalls) {
      const details = `${maxQueuedCalls} calls wait for a connection to ${this.settings.target} already (pool.maxQueuedCalls)`;
      throw new RpcError(Code.RESOURCE_EXHAUSTED, details);
    }
    const waiting = new WaitingCall(
      spec,
      sink,
      (gone) => this.#leaveQueue(gone),
      () => this.#lastError,
    );
    this.#enqueue(waiting);
    // One that waits for READY is on no channel that would connect for its sake.
    if (spec.waitForReady) this.#pool.connect();
    this.#watchAddresses();
    return waiting;
  }

  /** On a channel of its own, which closes with it. */
  #startAlone<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    const channel = this.#pool.takeOnce();
    const waiting = new WaitingCall(
      spec,
      sink,
      (gone) => {
        this.#leaveQueue(gone);
        this.#pool.retire(channel);
      },
      () => this.#lastError,
    );
    this.#enqueue(waiting);
    channel.opened.then(
      () => {
        if (!this.#leaveQueue(waiting)) return;
        if (waiting.begin(channel)) this.#calls.onStart(channel.lastUsedAt);
        else this.#pool.retire(channel);
      },
      (cause) => waiting.fail(notOpened(cause)),
    );
    return waiting;
  }

  get #queued(): number {
    return this.#queue?.size ?? 0;
  }

  #enqueue(waiting: Queued): void {
    this.#queue ??= new Set();
    this.#queue.add(waiting);
  }

  /** Whether it was in it. */
  #leaveQueue(gone: Queued): boolean {
    const wasThere = this.#queue?.delete(gone) === true;
    if (this.#queue?.size === 0) this.#queue = undefined;
    return wasThere;
  }

  #startQueued(): void {
    for (const waiting of this.#queue ?? []) {
      const channel = this.#pool.take(true);
      if (channel === undefined) return;
      if (waiting.isPatient && channel.state !== "READY") continue;
      this.#leaveQueue(waiting);
      if (waiting.begin(channel)) this.#calls.onStart(channel.lastUsedAt);
    }
  }

  #failQueued(error: RpcError): void {
    this.#lastError = error.details;
    for (const waiting of [...(this.#queue ?? [])]) waiting.fail(error);
  }

  /** The client that everyone on this connection shares for a service. */
  client<Client>(desc: ServiceDesc, make: () => Client): Client {
    this.#clients ??= new Map();
    if (!this.#clients.has(desc)) this.#clients.set(desc, make());
    return this.#clients.get(desc) as Client;
  }

  // ── What it is doing ──────────────────────────────────────────────────────────────────────────────────────────────

  get state(): State {
    return this.#pool.state;
  }

  /** All of its channels: those that take calls, and those that close when theirs have ended. */
  get channels(): readonly PooledChannel[] {
    return this.#pool.allChannels;
  }

  get calls(): Readonly<CallCounts> {
    return this.#calls;
  }

  get stats(): ConnectionStats {
    const { started, succeeded, failed, inFlight, lastStartedAt } = this.#calls;
    const connected = this.#pool.channels.filter(({ state }) => state === "READY");
    const since = Math.min(...connected.map(({ connectedAt }) => connectedAt ?? performance.now()));
    return {
      target: this.settings.target,
      state: this.state,
      ageMs: connected.length === 0 ? undefined : performance.now() - since,
      channels: this.#pool.channels.length,
      callsStarted: started,
      callsSucceeded: succeeded,
      callsFailed: failed,
      inFlight,
      lastCallStartedAt: lastStartedAt === undefined ? undefined : new Date(wallClockOf(lastStartedAt)),
      queued: this.#queued,
      reconnects: Math.max(0, this.#connects - 1),
      lastError: this.#lastError,
    };
  }

  /** Whether what it sends is encrypted. */
  async isSecure(): Promise<boolean> {
    return (await credentialsOf(this.settings)).kind === "tls";
  }

  /** Reports every change of `state`, until the function that it returns is called. */
  watchState(listener: (state: State) => void): () => void {
    this.#stateListeners ??= new Set();
    this.#stateListeners.add(listener);
    return () => this.#stateListeners?.delete(listener);
  }

  watchEvents(listener: (event: ConnectionEvent) => void): () => void {
    this.#eventListeners ??= new Set();
    this.#eventListeners.add(listener);
    return () => this.#eventListeners?.delete(listener);
  }

  connect(): void {
    if (this.#closed !== undefined || this.settings.short) return;
    this.#pool.connect();
    this.#watchAddresses();
  }

  /** A round trip in milliseconds, on the channel that a call would take. */
  async ping(deadline: number): Promise<number> {
    const { target, transport } = this.settings;
    const channel = this.#pool.take(true);
    if (channel === undefined) throw new RpcError(Code.UNAVAILABLE, `there is no connection to ${target}`);
    if (channel.canPing) return channel.ping(deadline);
    const name = typeof transport === "string" ? transport : transport.name;
    throw new RpcError(Code.UNIMPLEMENTED, `the transport ${name} cannot ping`);
  }

  close(graceMs: number): Promise<void> {
    if (this.#closed === undefined) {
      this.#forget(this);
      this.#stopWatchingAddresses?.();
      this.#closed = this.#pool.close(graceMs);
      this.#failQueued(this.#closedError());
    }
    return this.#closed;
  }

  #closedError(): RpcError {
    return new RpcError(Code.UNAVAILABLE, `the connection to ${this.settings.target} was closed; dial it again`);
  }

  // ── Reported by the pool ──────────────────────────────────────────────────────────────────────────────────────────

  onRoom(): void {
    this.#startQueued();
  }

  onFailure(error: RpcError): void {
    this.trace.add("error", error.details);
    this.#failQueued(error);
  }

  onCallEnd(code: Code | undefined): void {
    this.#calls.onEnd(code);
    if (this.#queue !== undefined && !this.settings.short) this.#startQueued();
  }

  onState(state: State): void {
    traceState(this.trace, state);
    if (this.#stateListeners !== undefined) for (const listener of [...this.#stateListeners]) listener(state);
    if (this.#queue === undefined || this.settings.short) return;
    // On what does not work, those that do not want to wait hear why.
    if (state === "READY" || state === "TRANSIENT_FAILURE") this.#startQueued();
    else if (state === "IDLE") this.#pool.reconnect();
  }

  onChannel(channel: PooledChannel, what: "made" | "retired"): void {
    const text = what === "made" ? "channel opened" : "channel takes no more calls";
    this.trace.add("info", text, identityOf(channel));
  }

  onEvent(event: ConnectionEvent, channel: PooledChannel): void {
    traceEvent(this.trace, event, channel.isDraining, identityOf(channel));
    if (event.type === "connected") this.#connects++;
    else if (event.type === "health" ? !event.serving : event.type !== "goaway") this.#lastError = event.reason;
    publishEvent(this.settings.target, event);
    if (this.#eventListeners !== undefined) for (const listener of [...this.#eventListeners]) listener(event);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #watchAddresses(): void {
    this.#stopWatchingAddresses ??= watchAddresses(
      this.settings,
      () => this.#pool.channels.length > 0,
      () => this.#pool.replaceAll(),
    );
  }
}
