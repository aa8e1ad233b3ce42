import { type ChannelInterface, connectivityState, propagate } from "@grpc/grpc-js";
import type { CallHandle, CallOptions, CallSink, MethodDesc, ServerCall, State } from "../../contract.js";
import { atDeadline, checkPoint, fromEpochMs } from "../../deadline.js";
import { describe, misuse, RpcError } from "../../error.js";
import type { Metadata } from "../../metadata.js";
import { Code } from "../../status.js";
import { OverrideCall, type OverrideCallOwner } from "./override-call.js";
import { OverrideMethods } from "./override-methods.js";

/** What a call brings from `createCall`. */
export interface OverrideCallOptions extends Pick<CallOptions, "authority" | "deadline"> {
  readonly parent: Pick<ServerCall, "timeLeftMs" | "signal"> | undefined;
}

/** What it takes of a channel that was dialled. */
export interface OverriddenChannel {
  readonly target: string;
  readonly state: State;
  connect(): void;
  watch(listener: (state: State) => void): () => void;
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** Its calls, below its interceptors. */
export interface BareCalls {
  start<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    options: OverrideCallOptions &
      Pick<CallOptions, "waitForReady" | "credentials"> & {
        readonly metadata: Metadata;
        readonly only?: I | undefined;
        readonly mayCompress: (message: unknown) => boolean;
      },
    sink: CallSink<O>,
  ): CallHandle<I>;
}

/** Milliseconds between two attempts to connect where not even one could be begun: the gRPC Connection Backoff document. */
const betweenConnectsMs = 1000;

/** What a client of grpc-js takes as `channelOverride`. */
export class ChannelOverride implements ChannelInterface, OverrideCallOwner {
  readonly bare: BareCalls;
  readonly methods: OverrideMethods = new OverrideMethods();
  readonly uncompressed: WeakSet<object> = new WeakSet();
  readonly mayCompress = (message: unknown): boolean => !this.uncompressed.has(message as object);
  readonly #channel: OverriddenChannel;
  #mayConnectAt = 0;
  #connecting: NodeJS.Timeout | undefined;

  constructor(channel: OverriddenChannel, bare: BareCalls) {
    this.#channel = channel;
    this.bare = bare;
  }

  get target(): string {
    return this.#channel.target;
  }

  getTarget(): string {
    return this.target;
  }

  close(): void {
    clearTimeout(this.#connecting);
    // Whatever goes wrong with what nobody uses any more.
    this.#channel.close({ graceMs: Number.POSITIVE_INFINITY }).catch(() => {});
  }

  getConnectivityState(tryToConnect: boolean): connectivityState {
    const { state } = this.#channel;
    if (tryToConnect && state === "IDLE") this.#connect();
    return connectivityState[state];
  }

  /** A client that waits asks again at each change: where no attempt can be begun, it would ask without a pause. */
  #connect(): void {
    const now = performance.now();
    if (this.#connecting !== undefined) return;
    const connect = () => {
      this.#connecting = undefined;
      this.#mayConnectAt = performance.now() + betweenConnectsMs;
      this.#channel.connect();
    };
    if (now >= this.#mayConnectAt) connect();
    else this.#connecting = setTimeout(connect, this.#mayConnectAt - now);
  }

  watchConnectivityState(
    currentState: connectivityState,
    deadline: Date | number,
    callback: (error?: Error) => void,
  ): void {
    const { target, state } = this.#channel;
    if (state === "SHUTDOWN") {
      throw new RpcError(Code.UNAVAILABLE, `the connection to ${target} was closed; dial it again`);
    }
    const until = fromEpochMs(checkPoint(deadline));
    const tell = (error?: RpcError) => {
      stopWatching();
      stopTimer();
      process.nextTick(callback, error);
    };
    const stopWatching = this.#channel.watch((now) => {
      if (connectivityState[now] !== currentState) tell();
    });
    const stopTimer = atDeadline(until, () => {
      tell(new RpcError(Code.DEADLINE_EXCEEDED, `the connection to ${target} is still ${this.#channel.state}`));
    });
    if (connectivityState[state] !== currentState) tell();
  }

  /** As grpc-js has it where channelz is off: a name, and a number under which nothing is found. */
  getChannelzRef(): ChannelzRef {
    return { kind: "channel" as ChannelzRef["kind"], id: 0, name: this.target };
  }

  createCall(
    method: string,
    deadline: Date | number,
    host: string | null | undefined,
    parentCall: GrpcServerCall | null,
    propagateFlags: number | null | undefined,
  ): OverrideCall {
    if (typeof method !== "string") throw misuse(`createCall(): the method must be a path, not ${describe(method)}`);
    return new OverrideCall(this, method, {
      authority: host ?? undefined,
      deadline: checkPoint(deadline),
      parent: parentCall ? parentOf(parentCall, propagateFlags ?? propagate.DEFAULTS) : undefined,
    });
  }
}

type ChannelzRef = ReturnType<ChannelInterface["getChannelzRef"]>;
type GrpcServerCall = NonNullable<Parameters<ChannelInterface["createCall"]>[3]>;

/** One listener of ours for each server call, however many calls it cancels: Node.js warns of a leak at more than ten. */
const ends = new WeakMap<GrpcServerCall, AbortSignal>();

const never = new AbortController().signal;

/** What a call inherits of a server call of grpc-js. */
function parentOf(call: GrpcServerCall, flags: number): Pick<ServerCall, "timeLeftMs" | "signal"> {
  if (typeof call.on !== "function" || typeof call.getDeadline !== "function") {
    throw misuse(`parent: must be a server call of grpc-js, not ${describe(call)}`);
  }
  const deadline = (flags & propagate.DEADLINE) === 0 ? Number.POSITIVE_INFINITY : Number(call.getDeadline());
  return {
    timeLeftMs: () => deadline - Date.now(),
    signal: (flags & propagate.CANCELLATION) === 0 ? never : endOf(call),
  };
}

function endOf(call: GrpcServerCall): AbortSignal {
  let signal = ends.get(call);
  if (signal === undefined) {
    const controller = new AbortController();
    if (call.cancelled) controller.abort();
    else call.once("cancelled", () => controller.abort());
    signal = controller.signal;
    ends.set(call, signal);
  }
  return signal;
}
