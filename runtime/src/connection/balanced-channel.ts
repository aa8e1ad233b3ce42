/** The channel of a transport that speaks on sockets: name resolution, load balancing and reconnecting come from here. */
import type { Socket } from "node:net";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  Capabilities,
  ChannelObserver,
  ConnectionEvent,
  ConnectOptions,
  SocketTransport,
  State,
  TransportChannel,
} from "../contract.js";
import { atDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import { outside } from "../outside.js";
import { Code } from "../status.js";
import { parseTarget } from "../target.js";
import { Turns } from "../turns.js";
import { warnOfOneAddress } from "./addresses.js";
import type { Policy, PolicyContext } from "./load-balancing/policy.js";
import { readPolicy } from "./load-balancing/read-policy.js";
import type { Address } from "./resolver/address.js";
import { Resolution, type ResolutionListener } from "./resolver/resolution.js";
import { resolverOf } from "./resolver/resolve.js";
import { TlsClient } from "./socket/tls-client.js";
import type { BackoffRange } from "./subchannel/backoff.js";
import type { ConnectionPlan, PeerConnection } from "./subchannel/peer-connection.js";
import { WaitingCalls, type WaitingCallsOwner } from "./waiting-calls.js";

/** Of all channels: what happens to connections is told in its order, and on behalf of no call. */
const turns: Turns = outside(() => new Turns());

const closed = "the connection was closed";
/** Why a call waits though there are connections. */
const full = "there are as many calls on each as its peer takes at a time";

/** Beyond what is asked of any channel. */
export interface BalancedChannelOptions extends ConnectOptions {
  /** Milliseconds after which addresses are looked up again though nothing was lost. Default: never. */
  readonly resolveEveryMs?: number | undefined;
  /** Calls go to peers that say that they are serving: each is asked for itself (gRFC A17). Default: nobody is asked. */
  readonly checkHealth?: ConnectionPlan["checkHealth"];
}

/** All connections to a target, and the calls that wait for one. */
export class BalancedChannel implements TransportChannel, PolicyContext, ResolutionListener, WaitingCallsOwner {
  readonly capabilities: Capabilities;
  readonly transport: SocketTransport;
  readonly tls: TlsClient | undefined;
  speak: ConnectionPlan["speak"];
  readonly backoff: BackoffRange;
  readonly connectTimeoutMs: number;
  readonly resolveEveryMs: number;
  readonly checkHealth: ConnectionPlan["checkHealth"];
  readonly #target: string;
  /** That calls go to one address is hardly meant. */
  readonly #wantsSeveral: boolean;
  readonly #observer: ChannelObserver;
  readonly #resolution: Resolution;
  readonly #policy: Policy;
  /** Undefined while there are none. */
  #waiting: WaitingCalls | undefined;
  /** Those that are open, with or without taking calls. */
  #open: readonly PeerConnection[] = [];
  #state: State = "IDLE";
  /** The addresses are being looked up for a connection that somebody wants. */
  #isResolving = false;
  /** Why no address is known. */
  #unresolved: string | undefined;
  #drained: Promise<void> | undefined;
  #isClosing = false;
  #graceEnds: number = Number.POSITIVE_INFINITY;
  #onNoneOpen: (() => void) | undefined;

  /** @throws RpcError INVALID_ARGUMENT for a target, a policy or certificates that cannot be used */
  constructor(transport: SocketTransport, options: BalancedChannelOptions, observer: ChannelObserver) {
    const { credentials, resolveEveryMs = Number.POSITIVE_INFINITY, target } = options;
    const { authority, host } = parseTarget(target);
    this.capabilities = transport.capabilities;
    this.transport = transport;
    this.tls = credentials.kind === "tls" ? new TlsClient(credentials.options, options.serverName ?? host) : undefined;
    this.speak = {
      authority: options.authority ?? authority,
      maxReceiveMessageBytes: options.maxReceiveMessageBytes,
      keepalive: options.keepalive,
    };
    this.backoff = options.backoff;
    this.connectTimeoutMs = options.connectTimeoutMs;
    this.resolveEveryMs = resolveEveryMs;
    this.checkHealth = options.checkHealth;
    this.#target = target;
    this.#wantsSeveral = options.loadBalancing === "round_robin";
    this.#observer = observer;
    this.#policy = readPolicy(options.loadBalancing, transport.name)(this);
    this.#resolution = new Resolution(resolverOf(target), this, this);
  }

  // ── For the pool ──────────────────────────────────────────────────────────────────────────────────────────────────

  get state(): State {
    return this.#state;
  }

  connect(): void {
    if (this.#state === "IDLE") this.refresh();
  }

  /** Where it can: of several connections, the slowest's. Who asks wants to know whether calls arrive, on any of them. */
  async ping(deadline: number): Promise<number> {
    const connections = this.#policy.connections();
    if (connections.length === 0) throw new RpcError(Code.UNAVAILABLE, "there is no connection");
    return Math.max(...(await Promise.all(connections.map((connection) => connection.ping(deadline)))));
  }

  sockets(): Iterable<Socket> {
    return this.#open.map(({ speaking }) => speaking!.socket);
  }

  /** At once, and with nothing beside the call, where there is room: most calls find some. */
  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    const connection = this.#waiting === undefined && this.#drained === undefined ? this.#policy.pick() : undefined;
    return connection === undefined ? this.#wait(spec, sink) : connection.start(spec, sink);
  }

  #wait<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    if (this.#drained !== undefined) throw new RpcError(Code.UNAVAILABLE, closed);
    this.#waiting ??= new WaitingCalls(this);
    const call = this.#waiting.add(spec, sink);
    if (this.#state === "TRANSIENT_FAILURE" && !spec.waitForReady) {
      const error = this.#failure();
      // Nothing may be told before this has returned.
      turns.post(() => call.fail(error));
    }
    this.connect();
    return call;
  }

  /** Calls that wait were taken, and still get their connection. */
  drain(graceMs: number): Promise<void> {
    this.#graceEnds = Math.min(this.#graceEnds, performance.now() + graceMs);
    if (this.#isClosing) this.#drainOpen();
    this.#drained ??= this.#close();
    const cut = () => this.#waiting?.fail(new RpcError(Code.UNAVAILABLE, closed));
    if (graceMs <= 0) cut();
    return this.#drained.finally(atDeadline(this.#graceEnds, cut));
  }

  async #close(): Promise<void> {
    if (this.#waiting !== undefined) await this.#waiting.none();
    this.#isClosing = true;
    this.#resolution.stop();
    this.#policy.stop();
    if (this.#open.length === 0) {
      this.#become("SHUTDOWN");
      return;
    }
    this.#drainOpen();
    await new Promise<void>((resolve) => {
      this.#onNoneOpen = resolve;
    });
    // Whoever waits for it hears of the ends of its connections first.
    await new Promise<void>((resolve) => turns.post(resolve));
  }

  #drainOpen(): void {
    const graceMs = Math.max(0, this.#graceEnds - performance.now());
    for (const { speaking } of this.#open) void speaking?.drain(graceMs);
  }

  // ── For calls that wait ───────────────────────────────────────────────────────────────────────────────────────────

  get reasonToWait(): string | undefined {
    return this.#policy.reason ?? this.#unresolved ?? (this.#state === "READY" ? full : undefined);
  }

  onNoneWaiting(): void {
    this.#waiting = undefined;
  }

  onCallEnd(code: Code | undefined): void {
    this.#observer.onCallEnd(code);
  }

  // ── For the policy ────────────────────────────────────────────────────────────────────────────────────────────────

  policyChanged(): void {
    if (this.#isClosing) return;
    this.#update();
    if (this.#state === "IDLE" && this.#waiting !== undefined) this.connect();
  }

  refresh(): void {
    this.#isResolving = true;
    outside(() => this.#resolution.refresh());
    this.#update();
  }

  report(event: ConnectionEvent): void {
    turns.post(() => this.#observer.onEvent(event));
    this.#failWaiting();
  }

  onRoom(): void {
    this.#waiting?.beginAll(() => this.#policy.pick());
  }

  pingLess(): void {
    const { keepalive } = this.speak;
    if (keepalive === false) return;
    this.speak = { ...this.speak, keepalive: { ...keepalive, timeMs: 2 * keepalive.timeMs } };
  }

  onOpened(connection: PeerConnection): void {
    this.#open = this.#open.concat(connection);
  }

  onClosed(connection: PeerConnection): void {
    this.#open = this.#open.filter((one) => one !== connection);
    if (this.#open.length > 0 || !this.#isClosing) return;
    this.#become("SHUTDOWN");
    this.#onNoneOpen?.();
  }

  // ── For the resolution ────────────────────────────────────────────────────────────────────────────────────────────

  onAddresses(addresses: readonly Address[]): void {
    const wants = this.#isResolving;
    this.#isResolving = false;
    this.#unresolved = undefined;
    if (this.#wantsSeveral) warnOfOneAddress(this.#target, addresses);
    this.tls?.forget(addresses);
    this.#policy.update(addresses);
    if (wants) this.#policy.connect();
    this.#update();
    this.#failWaiting();
  }

  onUnresolved(reason: string, backoffMs: number): void {
    this.#unresolved = reason;
    this.#update();
    this.report({ type: "backoff", reason, backoffMs });
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #failure(): RpcError {
    return new RpcError(Code.UNAVAILABLE, this.#policy.failure ?? `no connection could be made: ${this.#unresolved}`);
  }

  /** After what led to that was told, calls that do not want to wait hear that there is no connection. */
  #failWaiting(): void {
    if (this.#state !== "TRANSIENT_FAILURE" || this.#waiting === undefined) return;
    const error = this.#failure();
    turns.post(() => this.#waiting?.fail(error, ({ isPatient }) => !isPatient));
  }

  #update(): void {
    if (this.#isClosing) return;
    const { state } = this.#policy;
    if (state !== "IDLE") this.#become(state);
    else if (this.#unresolved !== undefined) this.#become("TRANSIENT_FAILURE");
    else this.#become(this.#isResolving ? "CONNECTING" : "IDLE");
  }

  #become(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    turns.post(() => this.#observer.onState(state));
  }
}
