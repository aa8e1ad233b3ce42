import type { Socket } from "node:net";
import {
  Channel,
  type ChannelOptions,
  compressionAlgorithms,
  connectivityState,
  experimental,
  type ChannelInterface as GrpcChannel,
  Metadata,
} from "@grpc/grpc-js";
import type { Compression, Encoding } from "../../compression.js";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  Capabilities,
  ChannelObserver,
  ConnectOptions,
  State,
  TransportChannel,
} from "../../contract.js";
import { atDeadline, longestTimerMs, noDeadline, toEpochMs } from "../../deadline.js";
import { misuse, RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { nameOf, parseTarget } from "../../target.js";
import { GrpcJsCall } from "./call.js";
import { toGrpcCredentials } from "./credentials.js";
import { Sockets } from "./sockets.js";

const states: Record<connectivityState, State> = {
  [connectivityState.IDLE]: "IDLE",
  [connectivityState.CONNECTING]: "CONNECTING",
  [connectivityState.READY]: "READY",
  [connectivityState.TRANSIENT_FAILURE]: "TRANSIENT_FAILURE",
  [connectivityState.SHUTDOWN]: "SHUTDOWN",
};

/** By which an attempt to connect is later than the one before: the gRPC Connection Backoff document. */
const backoffFactor = 1.6;

/** All connections of grpc-js to one target, driven through `createCall`: no emitter, stream or error object per call. */
export class GrpcJsChannel implements TransportChannel {
  readonly capabilities: Capabilities = { ping: false, compressionPerCall: false };
  readonly #channel: GrpcChannel;
  readonly #observer: ChannelObserver;
  readonly #sockets: Sockets | undefined;
  readonly #backoff: ConnectOptions["backoff"] | undefined;
  readonly #encoding: Encoding | undefined;
  readonly #calls = new Set<Pick<CallHandle<never>, "cancel">>();
  /** Of those, the ones that do not hold the process open. */
  readonly #background = new Set<Pick<CallHandle<never>, "cancel">>();
  #draining = false;
  #drained: Promise<void> | undefined;
  #onLastCall: (() => void) | undefined;
  #failures = 0;

  /** @param options undefined where somebody else has made the channel */
  constructor(channel: GrpcChannel, observer: ChannelObserver, sockets?: Sockets, options?: ConnectOptions) {
    this.#channel = channel;
    this.#observer = observer;
    this.#sockets = sockets;
    sockets?.refWhile(() => this.#holdsOpen);
    this.#backoff = options?.backoff;
    this.#encoding = options?.compression?.encoding;
    this.#watch(channel.getConnectivityState(false));
  }

  static connect(options: ConnectOptions, observer: ChannelObserver): GrpcJsChannel {
    const listener = {
      onReady: (peer: string) => observer.onEvent({ type: "connected", peer }),
      onClosed: (peer: string, reason: string) => observer.onEvent({ type: "disconnected", peer, reason }),
    };
    const sockets = new Sockets(listener, options.connectTimeoutMs);
    const credentials = sockets.watch(toGrpcCredentials(options.credentials));
    const channel = new Channel(toGrpcTarget(options.target), credentials, channelOptions(options));
    return new GrpcJsChannel(channel, observer, sockets, options);
  }

  get state(): State {
    return states[this.#channel.getConnectivityState(false)];
  }

  connect(): void {
    this.#channel.getConnectivityState(true);
  }

  sockets(): Iterable<Socket> {
    return this.#sockets?.ready ?? [];
  }

  drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#drained ??= this.#close();
    const stop = atDeadline(performance.now() + graceMs, () => {
      for (const call of this.#calls) call.cancel(Code.UNAVAILABLE, "the connection was closed");
    });
    return this.#drained.finally(stop);
  }

  /** Its last call ends first: of calls on their way to the wire, grpc-js would fail some. */
  async #close(): Promise<void> {
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onLastCall = resolve;
      });
    }
    this.#channel.close();
    await this.#sockets?.close();
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    this.#requireCompression(spec.compression);
    // What cannot be encoded must fail before grpc-js knows of the call.
    const { kind } = spec.method;
    const only = kind === "unary" || kind === "serverStream" ? GrpcJsCall.encode(spec, spec.only as I) : undefined;
    const deadline = toGrpcDeadline(spec.deadline);
    const grpcCall = this.#createCall(spec.method.path, deadline, spec.authority);
    const call = new GrpcJsCall<I, O>(grpcCall, spec, sink, this);
    this.#calls.add(call);
    if (spec.background === true) this.#background.add(call);
    else if (this.#background.size > 0) this.#sockets?.ref();
    call.start(only);
    return call;
  }

  #requireCompression(wanted: Compression | undefined): void {
    if (wanted === undefined || wanted.encoding === "identity" || wanted.encoding === this.#encoding) return;
    throw new RpcError(
      Code.UNIMPLEMENTED,
      `compression: the transport grpc-js compresses with what was dialled: dial(target, { compression: "${wanted.encoding}" })`,
    );
  }

  /** A call has told its sink of its end. */
  ended(call: Pick<CallHandle<never>, "cancel">, code: Code): void {
    this.#calls.delete(call);
    this.#background.delete(call);
    if (this.#background.size > 0 && !this.#holdsOpen) this.#sockets?.unref();
    this.#observer.onCallEnd(code);
    if (this.#calls.size === 0) this.#onLastCall?.();
  }

  /** Where all calls are in the background, nothing does. */
  get #holdsOpen(): boolean {
    return this.#background.size === 0 || this.#calls.size > this.#background.size;
  }

  #createCall(path: string, deadline: number, authority: string | undefined): ReturnType<GrpcChannel["createCall"]> {
    try {
      return this.#channel.createCall(path, deadline, authority, null, null);
    } catch (cause) {
      // grpc-js throws a plain Error without a code once the channel is closed.
      throw new RpcError(Code.UNAVAILABLE, "the connection was closed", { cause });
    }
  }

  #watch(known: connectivityState): void {
    if (known === connectivityState.SHUTDOWN) return;
    this.#channel.watchConnectivityState(known, noDeadline, () => {
      const now = this.#channel.getConnectivityState(false);
      this.#observer.onState(states[now]);
      if (now === connectivityState.READY) this.#failures = 0;
      else if (now === connectivityState.TRANSIENT_FAILURE) this.#reportBackoff();
      if (known === connectivityState.READY && !this.#draining) this.#reportGoaway();
      this.#watch(now);
    });
  }

  /** grpc-js varies each wait by a fifth, and does not tell by how much. */
  #reportBackoff(): void {
    if (this.#backoff === undefined) return;
    const { initialMs, maxMs } = this.#backoff;
    const backoffMs = Math.min(initialMs * backoffFactor ** this.#failures++, maxMs);
    this.#askWhy((reason) => this.#observer.onEvent({ type: "backoff", reason, backoffMs: Math.round(backoffMs) }));
  }

  /** While it cannot connect, grpc-js fails a call at once with the reason, and sends nothing. */
  #askWhy(tell: (reason: string) => void): void {
    const call = this.#createCall("/", noDeadline, undefined);
    call.start(new Metadata(), {
      onReceiveMetadata: () => {},
      onReceiveMessage: () => {},
      onReceiveStatus: ({ details }) => tell(reasonOf(details)),
    });
    // It answers within a few ticks, unless it has just begun to connect again.
    afterTurns(3, () => call.cancelWithStatus(Code.CANCELLED, "no connection could be made"));
  }

  /** A connection that takes no more calls, and whose calls go on: its peer has sent GOAWAY. grpc-js does not tell which. */
  #reportGoaway(): void {
    const peers = this.#sockets?.peers() ?? [];
    // What is lost in other ways is closed in the same turn of the event loop, or in the next.
    afterTurns(2, () => {
      const open = this.#sockets?.peers() ?? [];
      for (const peer of peers.filter((one) => open.includes(one))) {
        this.#observer.onEvent({ type: "goaway", peer, reason: "the peer takes no more calls" });
      }
    });
  }
}

/**
 * Whole milliseconds: grpc-js rounds up what is left, and would write a nine-digit `grpc-timeout` for a part of one below
 * 1e8. What no timer can wait for is none: beyond what eight digits of hours can say it throws where nobody can catch it,
 * and as a server it takes a longer time than that of a timer for one that has passed.
 */
function toGrpcDeadline(deadline: number): number {
  return deadline - performance.now() > longestTimerMs - 1000 ? noDeadline : Math.floor(toEpochMs(deadline));
}

function afterTurns(turns: number, action: () => void): void {
  setImmediate(() => (turns > 1 ? afterTurns(turns - 1, action) : action()));
}

/** grpc-js knows neither scheme: it looks a name up before the socket would, and takes an abstract socket for a path. */
function toGrpcTarget(target: string): string {
  const { place } = parseTarget(target);
  if (place.kind === "passthrough") return `dns:///${nameOf(place.host, place.port)}`;
  return place.kind === "path" && place.path.startsWith("\0") ? `unix:${place.path}` : target;
}

/** Without the words of grpc-js around it, and the time at the end. */
function reasonOf(details: string): string {
  return details
    .replace(/^.*Last error: (Error: )?/, "")
    .replace(/ \(\d{4}-[^)]*\).*$/, "")
    .replace(/\.?\s*Resolution note:.*$/, "");
}

function channelOptions(options: ConnectOptions): ChannelOptions {
  const { authority, backoff, compression, credentials, keepalive, loadBalancing } = options;
  const serverName = (credentials.kind === "tls" ? credentials.options.serverName : undefined) ?? options.serverName;
  return {
    "grpc.max_receive_message_length": options.maxReceiveMessageBytes,
    "grpc.max_send_message_length": -1,
    // Policies come from the layers above, the same on every transport. So do idleness and the sharing of connections.
    "grpc.service_config_disable_resolution": 1,
    "grpc.client_idle_timeout_ms": longestTimerMs,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": options.channelz ? 1 : 0,
    // A name is looked up again after a disconnect and a failed attempt: as soon as the next attempt may be made.
    "grpc.dns_min_time_between_resolutions_ms": Math.min(backoff.initialMs, longestTimerMs),
    "grpc.initial_reconnect_backoff_ms": millis(backoff.initialMs),
    "grpc.max_reconnect_backoff_ms": millis(backoff.maxMs),
    ...(compression === undefined
      ? {}
      : { "grpc.default_compression_algorithm": compressionAlgorithms[compression.encoding] }),
    ...(authority === undefined ? {} : { "grpc.default_authority": authority }),
    ...(credentials.kind === "insecure" || serverName === undefined
      ? {}
      : { "grpc.ssl_target_name_override": serverName }),
    ...(keepalive === false || keepalive.timeMs > longestTimerMs
      ? {}
      : {
          "grpc.keepalive_time_ms": keepalive.timeMs,
          "grpc.keepalive_timeout_ms": millis(keepalive.timeoutMs),
          "grpc.keepalive_permit_without_calls": keepalive.withoutCalls ? 1 : 0,
        }),
    ...(loadBalancing === "pick_first" ? {} : { "grpc.service_config": serviceConfig(loadBalancing) }),
  };
}

function serviceConfig(policy: ConnectOptions["loadBalancing"]): string {
  const loadBalancingConfig = typeof policy === "string" ? [{ [policy]: {} }] : policy;
  requireKnown(loadBalancingConfig);
  return JSON.stringify({ methodConfig: [], loadBalancingConfig });
}

/** grpc-js takes the first policy of the list that it knows and can read; where there is none, it says nothing. */
function requireKnown(policies: Exclude<ConnectOptions["loadBalancing"], string>): void {
  const faults: string[] = [];
  for (const policy of policies) {
    try {
      experimental.parseLoadBalancingConfig(policy as Parameters<typeof experimental.parseLoadBalancingConfig>[0]);
      return;
    } catch (error) {
      faults.push(RpcError.from(error).details);
    }
  }
  throw misuse(`loadBalancing: the transport grpc-js can use none of it: ${faults.join("; ")}`);
}

function millis(duration: number): number {
  return Math.min(duration, longestTimerMs);
}
