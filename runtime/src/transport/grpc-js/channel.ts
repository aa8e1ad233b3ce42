import { Channel, type ChannelOptions, connectivityState, type ChannelInterface as GrpcChannel } from "@grpc/grpc-js";
import type {
  CallHandle,
  CallSink,
  CallSpec,
  Capabilities,
  ConnectOptions,
  State,
  TransportChannel,
} from "../../contract.js";
import { noDeadline, toEpochMs } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { GrpcJsCall } from "./call.js";
import { toGrpcCredentials } from "./credentials.js";

const states: Record<connectivityState, State> = {
  [connectivityState.IDLE]: "IDLE",
  [connectivityState.CONNECTING]: "CONNECTING",
  [connectivityState.READY]: "READY",
  [connectivityState.TRANSIENT_FAILURE]: "TRANSIENT_FAILURE",
  [connectivityState.SHUTDOWN]: "SHUTDOWN",
};

/** All connections of grpc-js to one target, driven through `createCall`: no emitter, stream or error object per call. */
export class GrpcJsChannel implements TransportChannel {
  readonly capabilities: Capabilities = { ping: false, progress: false };
  readonly #channel: GrpcChannel;
  readonly #calls = new Set<Pick<CallHandle<never>, "cancel">>();
  readonly #listeners = new Set<(state: State) => void>();
  #watching = false;
  #drained: (() => void) | undefined;

  constructor(channel: GrpcChannel) {
    this.#channel = channel;
  }

  static connect(options: ConnectOptions): GrpcJsChannel {
    return new GrpcJsChannel(
      new Channel(options.target, toGrpcCredentials(options.credentials), channelOptions(options)),
    );
  }

  get state(): State {
    return states[this.#channel.getConnectivityState(false)];
  }

  onState(listener: (state: State) => void): () => void {
    this.#listeners.add(listener);
    this.#watch();
    return () => this.#listeners.delete(listener);
  }

  connect(): void {
    this.#channel.getConnectivityState(true);
  }

  async drain(graceMs: number): Promise<void> {
    const ended =
      this.#calls.size === 0
        ? undefined
        : new Promise<void>((resolve) => {
            this.#drained = resolve;
          });
    this.#channel.close();
    if (ended === undefined) return;
    const cut = setTimeout(() => {
      for (const call of this.#calls) call.cancel(Code.UNAVAILABLE, "the connection was closed");
    }, graceMs);
    await ended;
    clearTimeout(cut);
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    // What cannot be encoded must fail before grpc-js knows of the call.
    const { kind } = spec.method;
    const only = kind === "unary" || kind === "serverStream" ? GrpcJsCall.encode(spec, spec.only as I) : undefined;
    const deadline = spec.deadline === noDeadline ? noDeadline : toEpochMs(spec.deadline);
    const grpcCall = this.#createCall(spec.method.path, deadline, spec.authority);
    const call = new GrpcJsCall<I, O>(grpcCall, spec, sink, () => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#drained?.();
    });
    this.#calls.add(call);
    call.start(only);
    return call;
  }

  #createCall(path: string, deadline: number, authority: string | undefined): ReturnType<GrpcChannel["createCall"]> {
    try {
      return this.#channel.createCall(path, deadline, authority, null, null);
    } catch (cause) {
      // grpc-js throws a plain Error without a code once the channel is closed.
      throw new RpcError(Code.UNAVAILABLE, "the connection was closed", { cause });
    }
  }

  #watch(): void {
    const state = this.#channel.getConnectivityState(false);
    if (this.#watching || this.#listeners.size === 0 || state === connectivityState.SHUTDOWN) return;
    this.#watching = true;
    this.#channel.watchConnectivityState(state, noDeadline, () => {
      this.#watching = false;
      const now = this.state;
      for (const listener of this.#listeners) listener(now);
      this.#watch();
    });
  }
}

function channelOptions(options: ConnectOptions): ChannelOptions {
  return {
    "grpc.max_receive_message_length": options.maxReceiveMessageBytes,
    "grpc.max_send_message_length": -1,
    // Policies come from the layers above, the same on every transport.
    "grpc.service_config_disable_resolution": 1,
    // Costs memory per call for a page that nobody reads.
    "grpc.enable_channelz": 0,
    ...(options.authority === undefined ? {} : { "grpc.default_authority": options.authority }),
    ...(options.credentials.kind === "tls" && options.credentials.options.serverName !== undefined
      ? { "grpc.ssl_target_name_override": options.credentials.options.serverName }
      : {}),
  };
}
