import { Attempts, type CallStarter } from "../attempts/attempts.js";
import { observedAttempts } from "../attempts/observed-attempts.js";
import {
  type AttemptPolicy,
  type AttemptPolicyOption,
  checkPolicy,
  checkThrottling,
  policyOf,
  type RetryThrottling,
} from "../attempts/policy.js";
import { ReplayBudget } from "../attempts/replay.js";
import { RetryThrottle } from "../attempts/throttle.js";
import { type Compression, readCompression } from "../compression.js";
import type { Connection } from "../connection/connection.js";
import type { ConnectionStats } from "../connection/connection-stats.js";
import type {
  AttemptListener,
  Call,
  CallOptions,
  CallSpec,
  Channel,
  ConnectionEvent,
  Interceptor,
  MessageSource,
  MethodDesc,
  Next,
  State,
} from "../contract.js";
import type { CallCredentials } from "../credentials.js";
import { checkMargin, checkTimeout, earliestDeadline } from "../deadline.js";
import { describe, misuse, RpcError } from "../error.js";
import { compose } from "../interceptor.js";
import { MessageStream } from "../message-stream.js";
import { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import { outsideHandlers, startingOutsideHandlers, withParent } from "../server/propagation.js";
import { tellsProgress } from "../transport/transports.js";
import { becomeReady } from "./become-ready.js";
import { callCredentialsInterceptor } from "./call-credentials.js";
import { ClientCall } from "./client-call.js";
import { hooked, outermostReply } from "./outermost-reply.js";
import { OutgoingCall } from "./outgoing-call.js";

/** What a handle adds to every call; no part of the connection, so handles that differ in these share one. */
export interface ChannelDefaults {
  /** Wrap every call of this handle; the first is the outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Milliseconds that a call may take; a call or its method may say less. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that calls leave of their parent's time, for its own answer; a call may say otherwise. Default 0. */
  readonly marginMs?: number | undefined;
  /** Wait for a connection instead of failing at once where there is none. Default false. */
  readonly waitForReady?: boolean | undefined;
  /** When calls are tried again; `false` for one attempt only. Default: what each method's table entry says. */
  readonly retry?: AttemptPolicyOption | undefined;
  /** Stops retries through this handle while most of its calls fail. Default: never. */
  readonly retryThrottling?: RetryThrottling | undefined;
  /** Identify the caller on every call; TLS only. */
  readonly callCredentials?: CallCredentials | undefined;
}

/** Every one of them, by its name. */
export const channelDefaultNames: readonly (keyof ChannelDefaults)[] = Object.keys({
  interceptors: true,
  timeoutMs: true,
  marginMs: true,
  waitForReady: true,
  retry: true,
  retryThrottling: true,
  callCredentials: true,
} satisfies { [Name in keyof Required<ChannelDefaults>]: true }) as (keyof ChannelDefaults)[];

function checkDefaults({ timeoutMs, marginMs, retry, retryThrottling, ...others }: ChannelDefaults): void {
  if (timeoutMs !== undefined) checkTimeout("timeoutMs", timeoutMs);
  if (marginMs !== undefined) checkMargin(marginMs);
  if (retry !== undefined) checkPolicy("retry", retry);
  if (retryThrottling !== undefined) checkThrottling(retryThrottling);
  const { callCredentials } = others;
  if (callCredentials === undefined || typeof callCredentials === "function") return;
  throw misuse(`callCredentials: must be a function that makes metadata, not ${describe(callCredentials)}`);
}

/** How long to wait for something of a connection. */
export interface WaitOptions {
  /** Milliseconds from now. */
  readonly timeoutMs?: number | undefined;
  /** A point in time: a `Date`, or milliseconds since the epoch. The earlier of the two wins. */
  readonly deadline?: Date | number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @internal */
export interface BelowInterceptors {
  readonly connection: Connection;
  readonly defaults: ChannelDefaults;
  /** What puts calls of a method on the connection, with the attempts that the handle makes of them. */
  readonly starterOf: (method: MethodDesc) => CallStarter;
}

/** A handle on a connection: what {@link dial} returns and generated clients call. */
export class ClientChannel implements Channel {
  readonly #connection: Connection;
  readonly #defaults: ChannelDefaults;
  readonly #interceptors: readonly Interceptor[];
  readonly #throttle: RetryThrottle | undefined;
  readonly #replayBudget = new ReplayBudget();
  /** Calls that the server has not processed are tried again, whether they have a policy or not. */
  readonly #tellsProgress: boolean;
  /** The way of a call through the interceptors; undefined where there are none. */
  readonly #intercepted: Next | undefined;

  /** @internal Made by `dial`. */
  constructor(connection: Connection, defaults: ChannelDefaults) {
    this.#connection = connection;
    this.#tellsProgress = tellsProgress(connection.settings.transport);
    this.#defaults = defaults;
    checkDefaults(defaults);
    const { interceptors = [], callCredentials, retryThrottling } = defaults;
    if (retryThrottling !== undefined) this.#throttle = new RetryThrottle(retryThrottling);
    this.#interceptors =
      callCredentials === undefined ? interceptors : [...interceptors, this.#credentials(callCredentials)];
    if (this.#interceptors.length > 0) this.#intercepted = compose(this.#interceptors, (call) => this.#onWire(call));
  }

  /**
   * One more handle on the same connection, for one client or some: its interceptors run inside this handle's, and what
   * else it says stands in for what this handle says.
   *
   * ```ts
   * const audited = greeterClient(channel.with({ interceptors: [audit] }));
   * ```
   *
   * @throws RpcError INVALID_ARGUMENT for an option that cannot be used, or that belongs to the connection; it names it
   */
  with(defaults: ChannelDefaults): ClientChannel {
    for (const name of Object.keys(defaults)) {
      if ((channelDefaultNames as readonly string[]).includes(name)) continue;
      throw misuse(`${name}: with() has no such option, only ${channelDefaultNames.join(", ")}`);
    }
    const interceptors = [...(this.#defaults.interceptors ?? []), ...(defaults.interceptors ?? [])];
    return new ClientChannel(this.#connection, { ...this.#defaults, ...defaults, interceptors });
  }

  /** The target, as it was dialled. */
  get target(): string {
    return this.#connection.settings.target;
  }

  /** What the connection is doing; of a pool, what the best of its channels is doing. */
  get state(): State {
    return this.#connection.state;
  }

  /** What it is doing and has done, for all handles together. */
  get stats(): ConnectionStats {
    return this.#connection.stats;
  }

  /** Every change of `state`, to a function; returns what ends it. */
  watch(listener: (state: State) => void): () => void;
  /** The state now and every change of it, until SHUTDOWN or until the loop is left. */
  watch(): AsyncIterableIterator<State>;
  watch(listener?: (state: State) => void): (() => void) | AsyncIterableIterator<State> {
    if (listener !== undefined) return this.#connection.watchState(listener);
    const stop = this.#connection.watchState((state) => {
      states.push(state);
      if (state === "SHUTDOWN") end();
    });
    const end = () => {
      stop();
      states.close();
    };
    const states = new MessageStream<State>({ onTaken() {}, onLeft: end });
    states.push(this.state);
    if (this.state === "SHUTDOWN") end();
    return states;
  }

  /** What happens to the sockets of the connection, and why; returns what ends it. */
  onEvent(listener: (event: ConnectionEvent) => void): () => void {
    return this.#connection.watchEvents(listener);
  }

  /** Makes the connection now instead of with the first call. */
  connect(): void {
    outsideHandlers(() => this.#connection.connect());
  }

  /**
   * Makes the connection and resolves once it is READY. Without a limit it waits as long as that takes.
   *
   * @throws RpcError DEADLINE_EXCEEDED with the last reason why there is none; UNAVAILABLE where it was closed;
   *   CANCELLED by the signal
   */
  waitForReady(options: WaitOptions = {}): Promise<void> {
    return outsideHandlers(() => becomeReady(this.#connection, options));
  }

  /**
   * A round trip to the peer, in milliseconds.
   *
   * @throws RpcError UNIMPLEMENTED where the transport cannot ping (docs/transports.md); UNAVAILABLE without an answer
   */
  async ping(options: WaitOptions = {}): Promise<number> {
    await this.waitForReady(options);
    return this.#connection.ping(earliestDeadline(options, {}, undefined));
  }

  /**
   * Closes the connection, for every handle and client that shares it: calls in flight may end within `graceMs`
   * (default 0), new ones are refused with UNAVAILABLE. The next `dial` makes a new connection.
   */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return this.#connection.close(options.graceMs ?? 0);
  }

  unary<I, O>(method: MethodDesc<I, unknown, never, O>, request: I, options?: CallOptions): Promise<O> {
    return this.#begin(method, request, undefined, options).message;
  }

  serverStream<I, O>(method: MethodDesc<I, unknown, never, O>, request: I, options?: CallOptions): AsyncIterable<O> {
    return this.#begin(method, request, undefined, options).messages;
  }

  clientStream<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    requests: MessageSource<I>,
    options?: CallOptions,
  ): Promise<O> {
    return this.#begin(method, undefined, requests, options).message;
  }

  bidiStream<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    requests: MessageSource<I>,
    options?: CallOptions,
  ): AsyncIterable<O> {
    return this.#begin(method, undefined, requests, options).messages;
  }

  #begin<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    request: I | undefined,
    requests: MessageSource<I> | undefined,
    given: CallOptions | undefined,
  ): Reply<O> {
    try {
      const options = withParent(given);
      if (options?.retry !== undefined) checkPolicy("retry", options.retry);
      const deadline = earliestDeadline(options, method.defaults, this.#defaults);
      const next = this.#next(options);
      if (next === undefined) {
        const metadata = options?.metadata === undefined ? undefined : Metadata.from(options.metadata);
        return this.#start(method, request, requests, deadline, metadata, options);
      }
      const call = new OutgoingCall(method, request, requests, deadline, options, this.target);
      return outermostReply(next(call), call) as Reply<O>;
    } catch (error) {
      return Reply.fail(RpcError.from(error));
    }
  }

  /** Interceptors of the channel, then the call's own, then the wire. */
  #next(options: CallOptions | undefined): Next | undefined {
    if (options?.interceptors === undefined && options?.credentials === undefined) return this.#intercepted;
    const own = [...(options.interceptors ?? [])];
    if (options.credentials !== undefined) own.push(this.#credentials(options.credentials));
    return compose([...this.#interceptors, ...own], (call) => this.#onWire(call));
  }

  #onWire(call: Call): Reply {
    const outgoing = call as OutgoingCall;
    const { method, request, deadlineMs, metadata, options, requests, attemptListeners } = outgoing;
    // Whoever gets the outermost reply hears of its headers and its end, not of each call that was made for it.
    const own = hooked(options) ? { ...options, onHeaders: undefined, onTrailers: undefined } : options;
    // The codec of the method's own table entry made these messages' types; interceptors may change values, not types.
    const typed = method as MethodDesc<unknown>;
    const onWire = this.#start(typed, request, requests, deadlineMs, metadata, own, attemptListeners);
    outgoing.onWire = onWire;
    return onWire;
  }

  #start<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    request: I | undefined,
    requests: MessageSource<I> | undefined,
    deadline: number,
    metadata: Metadata | undefined,
    options: CallOptions | undefined,
    listeners?: readonly AttemptListener[],
  ): ClientCall<I, O> {
    const spec: CallSpec<I, O> = {
      method,
      authority: options?.authority,
      metadata,
      deadline,
      waitForReady: options?.waitForReady ?? this.#defaults.waitForReady ?? false,
      attempt: 0,
      maxReceiveMessageBytes: options?.maxReceiveMessageBytes,
      maxSendMessageBytes: options?.maxSendMessageBytes,
      compression: this.#compression(options),
      only: request as I,
    };
    const policy = policyOf(method, options?.retry, this.#defaults.retry);
    // Of one request nothing has to be kept: such a call is made again by itself.
    const isKept = policy !== undefined || (this.#tellsProgress && requests !== undefined);
    const starter = this.#starter(policy, isKept, listeners);
    return new ClientCall(method, options).start(spec, starter, requests, this.#tellsProgress && !isKept);
  }

  /**
   * What puts calls on the connection, with the attempts that they may take.
   *
   * @param isKept they may be made again, by policy or because the server has refused them
   */
  #starter(policy: AttemptPolicy | undefined, isKept: boolean, listeners?: readonly AttemptListener[]): CallStarter {
    let starter = startingOutsideHandlers(this.#connection);
    if (listeners !== undefined) starter = observedAttempts(starter, listeners);
    return isKept ? new Attempts(starter, policy, this.#throttle, this.#replayBudget) : starter;
  }

  /** @internal What lies below the interceptors, for calls that are made in other ways than by generated clients. */
  get belowInterceptors(): BelowInterceptors {
    return {
      connection: this.#connection,
      defaults: this.#defaults,
      starterOf: (method) => {
        const policy = policyOf(method, undefined, this.#defaults.retry);
        return this.#starter(policy, policy !== undefined || this.#tellsProgress);
      },
    };
  }

  #compression(options: CallOptions | undefined): Compression | undefined {
    const given = options?.compression;
    return given === undefined ? this.#connection.settings.compression : readCompression("compression", given);
  }

  #credentials(credentials: CallCredentials): Interceptor {
    return callCredentialsInterceptor(credentials, this.#connection);
  }
}
