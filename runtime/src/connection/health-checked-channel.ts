import type { Socket } from "node:net";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  Capabilities,
  ChannelObserver,
  ConnectionEvent,
  State,
  TransportChannel,
} from "../contract.js";
import { atDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import { Code } from "../status.js";
import { HealthCheck } from "./health-check.js";
import type { MakeChannel } from "./pooled-channel.js";
import type { ConnectionSettings } from "./settings.js";
import { WaitingCall } from "./waiting-call.js";

// biome-ignore lint/suspicious/noExplicitAny: calls of all types wait in one place; each is started as what it is.
type Held = WaitingCall<any, any>;

/** The channels that `make` makes, each such that it takes calls only while its peer says that it is serving. */
export async function healthChecked(
  settings: ConnectionSettings,
  serviceName: string,
  make: MakeChannel,
  observer: ChannelObserver,
): Promise<TransportChannel> {
  const checked = new HealthCheckedChannel(settings, serviceName, observer);
  checked.channel = await make(settings, checked);
  return checked;
}

/**
 * A channel of a transport, and the health of its peer: READY only while both are. It stands between the transport and
 * the pool, and is for each what the other is: neither knows of health checks, and of the calls of these the pool does
 * not hear.
 */
class HealthCheckedChannel implements TransportChannel, ChannelObserver {
  readonly #observer: ChannelObserver;
  readonly #check: HealthCheck;
  /** That of the transport; set before anybody uses this. */
  channel: TransportChannel | undefined;
  /** What the check has found out, while the transport is READY. */
  #verdict: State = "CONNECTING";
  #reason: string | undefined;
  #reported: State | undefined;
  /** Calls that wait for a verdict, each with what starts it. */
  readonly #held = new Map<Held, () => void>();
  #onNoneHeld: (() => void)[] = [];

  constructor(settings: ConnectionSettings, serviceName: string, observer: ChannelObserver) {
    this.#observer = observer;
    this.#check = new HealthCheck(
      { serviceName, backoff: settings.backoff, connectTimeoutMs: settings.connectTimeoutMs },
      (spec, sink) => this.channel!.start(spec, sink),
      (verdict, reason) => this.#judge(verdict, reason),
    );
  }

  // ── For the pool ──────────────────────────────────────────────────────────────────────────────────────────────────

  get capabilities(): Capabilities {
    return this.channel!.capabilities;
  }

  get state(): State {
    const { state } = this.channel!;
    return state === "READY" ? this.#verdict : state;
  }

  connect(): void {
    this.channel!.connect();
    this.#follow(this.channel!.state);
  }

  /** Only where the transport can. */
  ping(deadline: number): Promise<number> {
    return this.channel!.ping!(deadline);
  }

  sockets(): Iterable<Socket> {
    return this.channel!.sockets?.() ?? [];
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    if (this.state === "READY") return this.channel!.start(spec, sink);
    // Why there is no connection, the transport says best.
    if (!spec.waitForReady && isDown(this.channel!.state)) return this.channel!.start(spec, sink);
    const call = this.#hold(spec, sink);
    if (this.state === "IDLE") this.channel!.connect();
    if (this.state === "TRANSIENT_FAILURE" && !spec.waitForReady) {
      const error = this.#unhealthy();
      // Nothing may be told before this has returned.
      setImmediate(() => call.fail(error));
    }
    return call;
  }

  /** Calls that were taken still get their verdict; what needs none is the transport's to end. */
  async drain(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    if (this.#held.size > 0) {
      const stop = atDeadline(deadline, () =>
        this.#failHeld(new RpcError(Code.UNAVAILABLE, "the connection was closed")),
      );
      await new Promise<void>((resolve) => this.#onNoneHeld.push(resolve));
      stop();
    }
    this.#check.stop();
    await this.channel!.drain(Math.max(0, deadline - performance.now()));
  }

  // ── For the transport ─────────────────────────────────────────────────────────────────────────────────────────────

  onState(state: State): void {
    if (this.channel !== undefined) this.#follow(state);
  }

  onEvent(event: ConnectionEvent): void {
    this.#observer.onEvent(event);
  }

  onCallEnd(code: Code | undefined): void {
    if (!this.#check.tookEnd()) this.#observer.onCallEnd(code);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #follow(state: State): void {
    if (state === "READY") {
      this.#check.start();
    } else {
      this.#check.stop();
      this.#verdict = "CONNECTING";
      this.#reason = undefined;
      if (isDown(state)) this.#startHeld(({ isPatient }) => !isPatient || state === "SHUTDOWN");
      else if (state === "IDLE" && this.#held.size > 0) this.channel!.connect();
    }
    this.#report();
  }

  #judge(verdict: State, reason: string): void {
    const isNews = verdict !== this.#verdict || reason !== this.#reason;
    this.#verdict = verdict;
    this.#reason = reason;
    if (isNews && verdict !== "CONNECTING") {
      this.#observer.onEvent({ type: "health", serving: verdict === "READY", reason });
    }
    // Those that came first go first.
    if (verdict === "READY") this.#startHeld(() => true);
    this.#report();
    if (verdict === "TRANSIENT_FAILURE") this.#failHeld(this.#unhealthy(), ({ isPatient }) => !isPatient);
  }

  #report(): void {
    const { state } = this;
    if (state === this.#reported) return;
    this.#reported = state;
    this.#observer.onState(state);
  }

  #unhealthy(): RpcError {
    return new RpcError(Code.UNAVAILABLE, this.#reason ?? "the server has not said yet whether it is serving");
  }

  #hold<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): WaitingCall<I, O> {
    let isStarted = false;
    const reporting: CallSink<O> = {
      onHeaders: (headers) => sink.onHeaders(headers),
      onMessage: (message) => sink.onMessage(message),
      onWritable: () => sink.onWritable(),
      onEnd: (status, progress) => {
        sink.onEnd(status, progress);
        // What the transport has never heard of, it tells nobody of.
        if (!isStarted) this.#observer.onCallEnd(status.code);
      },
    };
    const starter = {
      start: <In, Out>(held: CallSpec<In, Out>, to: CallSink<Out>) => {
        const call = this.channel!.start(held, to);
        isStarted = true;
        return call;
      },
    };
    const call = new WaitingCall<I, O>(
      spec,
      reporting,
      (gone) => this.#release(gone),
      () => this.#reason,
    );
    this.#held.set(call, () => call.begin(starter));
    return call;
  }

  #startHeld(which: (call: Held) => boolean): void {
    for (const [call, start] of [...this.#held]) {
      if (!which(call) || !this.#release(call)) continue;
      start();
    }
  }

  #failHeld(error: RpcError, which: (call: Held) => boolean = () => true): void {
    for (const call of [...this.#held.keys()]) if (which(call)) call.fail(error);
  }

  #release(call: Held): boolean {
    const wasHeld = this.#held.delete(call);
    if (this.#held.size === 0) for (const resolve of this.#onNoneHeld.splice(0)) resolve();
    return wasHeld;
  }
}

/** Calls fail on it at once. */
function isDown(state: State): boolean {
  return state === "TRANSIENT_FAILURE" || state === "SHUTDOWN";
}
