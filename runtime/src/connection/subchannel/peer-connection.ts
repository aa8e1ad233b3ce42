import { isIPv4, type Socket } from "node:net";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  ConnectionObserver,
  SocketConnection,
  SocketTransport,
  SpeakOptions,
} from "../../contract.js";
import { longestTimerMs } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { nameOf } from "../../target.js";
import type { HealthCheck, OnVerdict, StartCall, Verdict } from "../health-check.js";
import type { Address } from "../resolver/address.js";
import { httpConnect } from "../socket/http-connect.js";
import { describeSocketError, happens, openSocket } from "../socket/open-socket.js";
import type { TlsClient } from "../socket/tls-client.js";
import type { BackoffRange } from "./backoff.js";

/** How the connections of a channel are made, and whom of the channel they tell. */
export interface ConnectionPlan {
  readonly transport: SocketTransport;
  readonly tls: TlsClient | undefined;
  readonly speak: Omit<SpeakOptions, "peer" | "isSecure">;
  /** A connection that was open for the shortest of them has worked, whatever was asked of it. */
  readonly backoff: BackoffRange;
  /** The peer wants to be pinged less: later connections do so. */
  pingLess(): void;
  /** For each address, until its peer speaks HTTP/2; milliseconds. */
  readonly connectTimeoutMs: number;
  onCallEnd(code: Code | undefined): void;
  /** Makes what watches the health of a peer; undefined where nobody asks for it. */
  readonly checkHealth: ((startCall: StartCall, onVerdict: OnVerdict) => HealthCheck) | undefined;
}

/** Told what becomes of a connection: that it has failed; or that it is ready, and later that it is closed. */
export interface PeerConnectionOwner {
  connectionReady(connection: PeerConnection): void;
  connectionFailed(connection: PeerConnection, reason: string): void;
  connectionRoom(): void;
  /** With a health check: its `verdict` is another, or for another reason. */
  connectionJudged(connection: PeerConnection): void;
  connectionGoaway(connection: PeerConnection, reason: string): void;
  connectionClosed(connection: PeerConnection, reason: string): void;
}

/** A connection to one address, from the first packet of it: a socket, encrypted where it is to be, that speaks HTTP/2. */
export class PeerConnection implements ConnectionObserver {
  readonly address: Address;
  readonly #plan: ConnectionPlan;
  readonly #owner: PeerConnectionOwner;
  #timer: NodeJS.Timeout | undefined;
  #socket: Socket | undefined;
  #isAccepted = false;
  #isReady = false;
  #isOver = false;
  #readyAt = Number.POSITIVE_INFINITY;
  #hasServed = false;
  #health: HealthCheck | undefined;
  /** Set when it is ready. */
  speaking: SocketConnection | undefined;
  /** READY where it may be given calls; without a health check, as soon as it is ready. */
  verdict: Verdict = "CONNECTING";
  /** Why it may not, as its health check has it. */
  reason: string | undefined;
  /** As events name it. */
  peer: string;

  constructor(address: Address, plan: ConnectionPlan, owner: PeerConnectionOwner) {
    this.address = address;
    this.peer = address.name;
    this.#plan = plan;
    this.#owner = owner;
    this.#timer = setTimeout(() => this.#tooLate(), Math.min(plan.connectTimeoutMs, longestTimerMs)).unref();
    void this.#connect();
  }

  /** It was good for something: the peer is no such that takes connections only to drop them. */
  get hasWorked(): boolean {
    return this.#hasServed || performance.now() - this.#readyAt >= this.#plan.backoff.initialMs;
  }

  /** Is given no more calls, and closes when those that it has have ended. */
  retire(): void {
    this.stopChecking();
    void this.speaking?.drain(Number.POSITIVE_INFINITY);
  }

  /** A watch of its health is a call, which would keep it open. */
  stopChecking(): void {
    this.#health?.stop();
  }

  /** Gives up what is not ready yet; nobody is told. */
  abandon(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    (this.speaking?.socket ?? this.#socket)?.destroy();
  }

  async #connect(): Promise<void> {
    const { tls } = this.#plan;
    const { name, tunnel } = this.address;
    try {
      const tcp = openSocket(this.address);
      this.#socket = tcp;
      await happens(tcp, "connect");
      this.#isAccepted = true;
    } catch (error) {
      this.#fail(describeSocketError(error));
      return;
    }
    try {
      if (tunnel !== undefined) await httpConnect(this.#socket, tunnel);
      if (tls !== undefined) this.#socket = await tls.secure(this.#socket, name);
      if (this.#isOver) this.#socket.destroy();
      else if (this.#socket.destroyed) throw this.#socket.errored ?? new Error("closed by the peer");
      else this.#speak(this.#socket);
    } catch (error) {
      this.#fail(`${name}: ${describeSocketError(error)}`);
    }
  }

  #speak(socket: Socket): void {
    const { transport, speak, tls } = this.#plan;
    // A socket keeps what it is asked for. Of an IPv4 address it has nothing to add, unless that is "this machine".
    const isKnown = "host" in this.address.to && isIPv4(this.address.to.host) && this.address.to.host !== "0.0.0.0";
    if (!isKnown) this.peer = peerOf(socket) ?? this.peer;
    this.speaking = transport.speak(socket, { ...speak, peer: this.peer, isSecure: tls !== undefined }, this);
  }

  #tooLate(): void {
    const { connectTimeoutMs } = this.#plan;
    const { name, tunnel } = this.address;
    if (!this.#isAccepted) this.#fail(`connect ETIMEDOUT ${name}: no answer within ${connectTimeoutMs} ms`);
    else {
      const way = tunnel === undefined ? name : `the proxy ${name}, or ${tunnel.to} behind it,`;
      this.#fail(`${way} accepted the connection and said nothing for ${connectTimeoutMs} ms`);
    }
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.abandon();
    this.#owner.connectionFailed(this, reason);
  }

  // ── Reported by the transport ──

  onReady(): void {
    if (this.#isOver || this.#isReady) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isReady = true;
    this.#readyAt = performance.now();
    const { checkHealth } = this.#plan;
    if (checkHealth === undefined) this.verdict = "READY";
    this.#owner.connectionReady(this);
    if (checkHealth === undefined) return;
    this.#health = checkHealth(
      (spec, sink) => this.#startCheck(spec, sink),
      (verdict, reason) => this.#judge(verdict, reason),
    );
    this.#health.start();
  }

  #startCheck<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    if (this.speaking?.hasRoom === true) return this.speaking.start(spec, sink);
    throw new RpcError(Code.UNAVAILABLE, "the peer takes no more calls");
  }

  #judge(verdict: Verdict, reason: string): void {
    if (verdict === this.verdict && reason === this.reason) return;
    this.verdict = verdict;
    this.reason = reason;
    if (verdict === "READY") this.#hasServed = true;
    this.#owner.connectionJudged(this);
  }

  onRoom(): void {
    if (this.#isReady) this.#owner.connectionRoom();
  }

  onGoaway(reason: string): void {
    this.stopChecking();
    if (this.#isReady) this.#owner.connectionGoaway(this, reason);
    else this.#fail(`${this.address.name}: ${reason}`);
  }

  onClosed(reason: string): void {
    this.#heed(reason);
    if (!this.#isReady) {
      this.#fail(`${this.address.name}: ${reason}`);
      return;
    }
    if (this.#isOver) return;
    this.#isOver = true;
    this.stopChecking();
    this.#owner.connectionClosed(this, reason);
  }

  /** What servers say that enforce keepalive: gRFC A8. */
  #heed(reason: string): void {
    if (this.#heeded || !reason.endsWith("too_many_pings")) return;
    this.#heeded = true;
    this.#plan.pingLess();
  }
  #heeded = false;

  onCallEnd(code: Code | undefined): void {
    if (this.#health?.tookEnd() === true) return;
    if (code === Code.OK) this.#hasServed = true;
    this.#plan.onCallEnd(code);
  }
}

/** Undefined for what has no port. */
function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined || remotePort === undefined ? undefined : nameOf(remoteAddress, remotePort);
}
