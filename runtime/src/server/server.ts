import { type CompressionOption, readCompression } from "../compression.js";
import type {
  Bound,
  Dispatcher,
  IncomingCall,
  Interceptor,
  MethodOptions,
  ServeOptions,
  ServerSink,
  ServerTransport,
  ServiceDesc,
  ServiceOptions,
  ServiceRegistrar,
  Transport,
} from "../contract.js";
import { insecure, type ServerCredentials } from "../credentials.js";
import { longestTimerMs, noDeadline } from "../deadline.js";
import { describe, misuse, RpcError } from "../error.js";
import { EventTrace } from "../event-trace.js";
import { Metadata } from "../metadata.js";
import { checkNumber } from "../number-option.js";
import { Code } from "../status.js";
import { isLocalAddress } from "../target.js";
import {
  defaultTransport,
  isLocalTransport,
  loadTransport,
  requireTransport,
  type TransportName,
} from "../transport/transports.js";
import { CountingGate } from "./connection-gate.js";
import type { MethodStats } from "./method-stats.js";
import type { ObservedServer } from "./observed-server.js";
import type { OnError } from "./on-error.js";
import { propagation } from "./propagation.js";
import type { RawHandler } from "./raw-method.js";
import { Routes } from "./routes.js";
import { type CallHost, IncomingServerCall } from "./server-call.js";
import { servers } from "./servers.js";
import { installSignalHandlers, type SignalOptions } from "./signals.js";

/** Durations are milliseconds; `Infinity` is never, and no limit. */
export interface ServerOptions extends MethodOptions {
  /** Wrap every call; the first is the outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Told of every error that a handler did not mean as an answer. Default: prints it to stderr. */
  readonly onError?: OnError | undefined;
  readonly transport?: TransportName | Transport | undefined;
  /**
   * `"auto"`: calls made inside a handler, however deep, inherit its call's deadline, cancellation and context as with
   * `{ parent: call }`, through AsyncLocalStorage; docs/deadlines.md has what that costs. Default `"explicit"`: only
   * calls that name their parent have one.
   */
  readonly propagate?: "explicit" | "auto" | undefined;
  /** Refuses calls without a deadline, with INVALID_ARGUMENT. A service or a method may say otherwise. Default false. */
  readonly requireDeadline?: boolean | undefined;
  /** Bytes; a longer request ends its call with RESOURCE_EXHAUSTED. A service or a method may say otherwise. Default 4 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** Bytes; a longer response ends its call with RESOURCE_EXHAUSTED. A service or a method may say otherwise. Default: no limit. */
  readonly maxSendMessageBytes?: number | undefined;
  /**
   * Bytes of a call's request metadata, names and values and 32 for each (RFC 9113, section 6.5.2). Above it a call is
   * refused with RESOURCE_EXHAUSTED: the more likely the longer it is, and above its double for certain, so that metadata
   * that grows shows itself before all calls fail, as C-core has it. Default 8 KiB.
   */
  readonly maxMetadataBytes?: number | undefined;
  /** How responses are compressed; a call may say otherwise. Default: not. */
  readonly compression?: CompressionOption | undefined;
  /** Answers calls to methods that no registered service has: a proxy. Default: they end with UNIMPLEMENTED. */
  readonly unknownMethods?: RawHandler | undefined;
  /** Connections at once, on all addresses together; more are closed when they come. Default: what file descriptors allow. */
  readonly maxConnections?: number | undefined;
  /** Calls at once on one connection; its client keeps further ones waiting. Default: what the transport says (docs/transports.md). */
  readonly maxConcurrentStreamsPerConnection?: number | undefined;
  /** A connection that had no call for this long is closed. Default: never. */
  readonly maxConnectionIdleMs?: number | undefined;
  /** A connection of this age takes no more calls, so that clients spread anew over servers. Default: never. */
  readonly maxConnectionAgeMs?: number | undefined;
  /** How long the calls on it may go on then. Default: as long as they take. */
  readonly maxConnectionAgeGraceMs?: number | undefined;
  /** Pings clients that have been silent for `timeMs` (default 2 h) and closes those that do not answer within `timeoutMs` (20 s). */
  readonly keepalive?:
    | { readonly timeMs?: number | undefined; readonly timeoutMs?: number | undefined }
    | false
    | undefined;
  /**
   * Closes connections whose clients ping more often than every `minTimeMs` (default 5 min), or, unless `withoutCalls`,
   * while they have no calls (GOAWAY, too_many_pings). Default: pings are not counted; a flood of them ends its connection
   * all the same. Not every transport can: docs/transports.md.
   */
  readonly keepaliveEnforcement?:
    | { readonly minTimeMs?: number | undefined; readonly withoutCalls?: boolean | undefined }
    | undefined;
}

export interface ListenOptions {
  /** `insecure()` or `serverTls({…})`. Without it an address on this machine is plaintext, any other an error. */
  readonly credentials?: ServerCredentials | undefined;
}

/** How to come to an end. */
export interface ShutdownOptions {
  /**
   * Milliseconds to go on as before, but for the health service, which says NOT_SERVING: for load balancers to send
   * their calls elsewhere. Default 0.
   */
  readonly preStopMs?: number | undefined;
  /** Milliseconds that calls in flight then have to end; those that have not are cut with UNAVAILABLE. Default 0. */
  readonly graceMs?: number | undefined;
}

export interface ShutdownReport {
  /** Calls that did not end in time. */
  readonly cutCalls: number;
}

/** What a server is doing and has done. */
export interface ServerStats {
  /** `"stopping"` from the beginning of `shutdown` to its end. */
  readonly state: "serving" | "stopping" | "stopped";
  /** Where it listens. */
  readonly addresses: readonly string[];
  readonly openConnections: number;
  readonly acceptedConnections: number;
  /** Connections that were closed when they came: over `maxConnections`, or for want of file descriptors. */
  readonly refusedConnections: number;
  /** That the process has left; undefined where the system does not tell. */
  readonly freeFileDescriptors: number | undefined;
  /** Of every method, by service. */
  readonly services: readonly { readonly serviceName: string; readonly methods: readonly MethodStats[] }[];
  /** Of `unknownMethods`, all together. */
  readonly unknownMethods: MethodStats | undefined;
}

/**
 * Serves registered services.
 *
 * ```ts
 * const server = new Server();
 * registerGreeterServer(server, { sayHello: ({ name }) => ({ text: `Hello ${name}` }) });
 * const { port } = await server.listen("127.0.0.1:0");
 * ```
 */
export class Server implements ServiceRegistrar {
  readonly #options: ServerOptions;
  readonly #serveOptions: Omit<ServeOptions, "longestReceiveBytes">;
  readonly #routes: Routes;
  readonly #gate: CountingGate;
  readonly #bound: Bound[] = [];
  readonly #trace = new EventTrace();
  readonly #host: CallHost;
  readonly #shutdownListeners: (() => void)[] = [];
  #transport: Promise<ServerTransport> | undefined;
  /** Calls may come: what is registered stays as it is. */
  #begun = false;
  #state: ServerStats["state"] = "serving";
  readonly #drains: Promise<number>[] = [];
  #stopWaiting: (() => void) | undefined;

  /** @throws RpcError INVALID_ARGUMENT for an option that cannot be used; it names the option */
  constructor(options: ServerOptions = {}) {
    const { propagate = "explicit", onError = printError, interceptors } = options;
    if (propagate !== "explicit" && propagate !== "auto") {
      throw misuse(`propagate: must be "explicit" or "auto", not ${describe(propagate)}`);
    }
    this.#options = options;
    this.#gate = new CountingGate(count("maxConnections", options.maxConnections));
    this.#serveOptions = readServeOptions(options, this.#gate);
    const { compression } = options;
    this.#host = {
      compression: compression === undefined ? undefined : readCompression("compression", compression),
      cannotCompress: undefined,
      streams: new Set(),
    };
    const { requireDeadline, maxReceiveMessageBytes, maxSendMessageBytes, unknownMethods } = options;
    this.#routes = new Routes(
      {
        ...{ requireDeadline, maxReceiveMessageBytes, maxSendMessageBytes },
        ...{ interceptors, onError, propagate: propagate === "auto" ? propagation() : undefined },
      },
      unknownMethods,
    );
  }

  /**
   * Answers the calls of a service with `impl`; generated `register…Server` functions are the typed way here.
   *
   * @throws RpcError ALREADY_EXISTS for a second service of a name, FAILED_PRECONDITION after `listen()`,
   *   INVALID_ARGUMENT for an implementation that lacks a method, or for an option that cannot be used; it names them
   */
  register<Impl>(desc: ServiceDesc<Impl>, impl: Impl, options: ServiceOptions = {}): void {
    if (this.#begun) {
      throw new RpcError(Code.FAILED_PRECONDITION, `${desc.serviceName}: register before listen()`);
    }
    this.#routes.add(desc, impl, options);
  }

  /** The services that are registered. */
  get services(): readonly ServiceDesc[] {
    return this.#routes.services;
  }

  /**
   * Accepts calls on one more address.
   *
   * @param address `host:port` (port 0 takes a free one; `[::1]:0` for IPv6), `unix:/path`, or `fd:3` for a listening
   *   socket that the process was started with
   * @returns the address and the port that it got
   * @throws RpcError INVALID_ARGUMENT for an address or credentials that cannot be used, ALREADY_EXISTS for one that it
   *   listens on already, UNAVAILABLE for one that is taken, UNIMPLEMENTED for an option that the transport cannot do
   */
  async listen(address: string, options: ListenOptions = {}): Promise<Pick<Bound, "address" | "port">> {
    if (this.#state !== "serving") throw new RpcError(Code.FAILED_PRECONDITION, "listen() after shutdown()");
    if (this.#bound.some((bound) => bound.address === address)) {
      throw new RpcError(Code.ALREADY_EXISTS, `this server listens on ${address} already`);
    }
    const staysHere = () => isLocalTransport(this.#options.transport ?? defaultTransport) || isLocalAddress(address);
    const credentials = options.credentials ?? (staysHere() ? insecure() : undefined);
    if (credentials === undefined) {
      throw misuse(
        `credentials: ${address} may be reached from other machines, so say how to speak there: ` +
          "credentials: serverTls({ cert, key }) for TLS, or credentials: insecure() for plaintext",
      );
    }
    this.#begun = true;
    this.#transport ??= this.#makeTransport();
    const bound = await (await this.#transport).listen(address, credentials, this.#dispatcher);
    return this.#add(bound);
  }

  /**
   * Takes calls that come by another way than `listen`.
   * @internal
   */
  attach<B extends Bound>(make: (dispatcher: Dispatcher, options: ServeOptions) => B): B {
    if (this.#state !== "serving") throw new RpcError(Code.UNAVAILABLE, "the server was shut down");
    this.#begun = true;
    const bound = make(this.#dispatcher, this.#allServeOptions);
    this.#bound.push(bound);
    servers.add(this);
    return bound;
  }

  async #add(bound: Bound): Promise<Pick<Bound, "address" | "port">> {
    this.#bound.push(bound);
    this.#trace.add("info", `listens on ${bound.address}`);
    servers.add(this);
    const { address, port } = bound;
    if (this.#state === "serving") return { address, port };
    await bound.drain(0);
    throw new RpcError(Code.CANCELLED, "shutdown() came before listen() was done");
  }

  /** Has `listener` called when `shutdown` begins: before it waits, and before anything is refused. */
  onShutdown(listener: () => void): void {
    if (this.#state === "serving") this.#shutdownListeners.push(listener);
    else listener();
  }

  /**
   * Comes to an end: turns its health service to NOT_SERVING, waits for `preStopMs`, tells clients to make no more calls
   * (GOAWAY), asks streams to end (their `call.signal`), lets calls end for `graceMs`, and cuts what is left.
   *
   * Asked again it hurries: what it has been waiting for does not count, only the new `graceMs`.
   *
   * @returns how many calls were cut
   */
  async shutdown({ preStopMs = 0, graceMs = 0 }: ShutdownOptions = {}): Promise<ShutdownReport> {
    checkNumber("shutdown(): preStopMs", preStopMs, { atLeast: 0 });
    checkNumber("shutdown(): graceMs", graceMs, { atLeast: 0 });
    if (this.#state === "serving") {
      this.#state = "stopping";
      this.#trace.add("info", "begins to shut down");
      for (const listener of this.#shutdownListeners.splice(0)) listener();
      const hurried = preStopMs > 0 && this.#bound.length > 0 && (await this.#isHurried(preStopMs));
      if (hurried) return this.#stopped();
    } else {
      this.#stopWaiting?.();
    }
    const reason = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
    this.#trace.add("info", `takes no more calls; those in flight may end within ${graceMs} ms`);
    this.#drains.push(...this.#bound.map((bound) => bound.drain(graceMs)));
    for (const stream of [...this.#host.streams]) stream.askToEnd(reason);
    return this.#stopped();
  }

  /** Waits for all that anybody has begun: who asked first, for those too that somebody in more of a hurry has. */
  async #stopped(): Promise<ShutdownReport> {
    let cuts: number[] = [];
    do cuts = await Promise.all(this.#drains);
    while (cuts.length < this.#drains.length);
    this.#state = "stopped";
    servers.delete(this);
    return { cutCalls: cuts.reduce((sum, cut) => sum + cut, 0) };
  }

  /**
   * Has the process come to an end with `shutdown(options)` when it is told to (SIGTERM, SIGINT). A second signal hurries:
   * what is left is cut. At the end the signal is raised again, now without these handlers, so that the process ends by
   * it.
   *
   * @returns what takes the handlers away
   */
  installSignalHandlers(options: SignalOptions = {}): () => void {
    return installSignalHandlers(this, options);
  }

  /** Waits, unless somebody asks again meanwhile: then that one says how to go on. */
  #isHurried(millis: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.min(millis, longestTimerMs));
      this.#stopWaiting = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /**
   * For channelz.
   * @internal
   */
  get observed(): ObservedServer {
    const calls = Array.from(this.#routes.all, ({ counter }) => counter.calls);
    const { unknown } = this.#routes;
    return { trace: this.#trace, bound: this.#bound, calls: unknown === undefined ? calls : [...calls, unknown.calls] };
  }

  /** What it is doing and has done. */
  stats(): ServerStats {
    const byService = new Map<string, MethodStats[]>(this.services.map(({ serviceName }) => [serviceName, []]));
    for (const { counter, method } of this.#routes.all) {
      byService.get(method.path.slice(1, method.path.lastIndexOf("/")))?.push(counter.stats);
    }
    return {
      state: this.#state,
      addresses: this.#bound.map(({ address }) => address),
      openConnections: this.#gate.openConnections,
      acceptedConnections: this.#gate.accepted,
      refusedConnections: this.#gate.refused,
      freeFileDescriptors: this.#gate.freeDescriptors(),
      services: Array.from(byService, ([serviceName, methods]) => ({ serviceName, methods })),
      unknownMethods: this.#routes.unknown?.stats,
    };
  }

  get #allServeOptions(): ServeOptions {
    return { ...this.#serveOptions, longestReceiveBytes: this.#routes.longestReceiveBytes };
  }

  async #makeTransport(): Promise<ServerTransport> {
    const transport = await loadTransport(requireTransport(this.#options.transport ?? defaultTransport));
    const serving = transport.serve(this.#allServeOptions);
    const { compression, keepaliveEnforcement } = serving.capabilities;
    const cannot = (option: string, what: string) => {
      const details = `${option}: the transport ${transport.name} cannot ${what} (docs/transports.md)`;
      return new RpcError(Code.UNIMPLEMENTED, details);
    };
    if (!compression) {
      const { encoding = "identity" } = this.#host.compression ?? {};
      this.#host.cannotCompress = cannot("compression", "compress responses");
      if (encoding !== "identity") throw this.#host.cannotCompress;
    }
    if (this.#serveOptions.keepaliveEnforcement !== undefined && !keepaliveEnforcement) {
      throw cannot("keepaliveEnforcement", "enforce how often clients ping");
    }
    return serving;
  }

  readonly #dispatcher: Dispatcher = {
    accept: (call, path, metadataBytes) => this.#accept(call, path, metadataBytes),
  };

  #accept(call: IncomingCall, path: string, metadataBytes: number): ServerSink | undefined {
    const refuse = (code: Code, details: string) => {
      call.end({ code, details, metadata: new Metadata() });
      return undefined;
    };
    const route = this.#routes.find(path);
    if (route === undefined) return refuse(Code.UNIMPLEMENTED, `${path} is not served here`);
    if (route.requireDeadline && call.deadline === noDeadline) {
      const details = `${path} wants a deadline here (requireDeadline): set timeoutMs or deadline for the call`;
      return refuse(Code.INVALID_ARGUMENT, details);
    }
    const now = performance.now();
    if (call.deadline <= now) return refuse(Code.DEADLINE_EXCEEDED, "the deadline had passed when the call arrived");
    const excess = metadataBytes - this.#serveOptions.maxMetadataBytes;
    if (excess > 0 && excess > Math.random() * this.#serveOptions.maxMetadataBytes) {
      const details = `the call's metadata of ${metadataBytes} bytes is over maxMetadataBytes, ${this.#serveOptions.maxMetadataBytes}`;
      return refuse(Code.RESOURCE_EXHAUSTED, details);
    }
    return new IncomingServerCall(route, call, now, this.#host);
  }
}

function readServeOptions(options: ServerOptions, gate: CountingGate): Omit<ServeOptions, "longestReceiveBytes"> {
  const { keepalive = {}, keepaliveEnforcement } = options;
  return {
    maxConcurrentStreams: count("maxConcurrentStreamsPerConnection", options.maxConcurrentStreamsPerConnection),
    maxMetadataBytes: count("maxMetadataBytes", options.maxMetadataBytes, 8 * 1024),
    maxConnectionIdleMs: duration("maxConnectionIdleMs", options.maxConnectionIdleMs, never),
    maxConnectionAgeMs: duration("maxConnectionAgeMs", options.maxConnectionAgeMs, never),
    maxConnectionAgeGraceMs: duration("maxConnectionAgeGraceMs", options.maxConnectionAgeGraceMs, never),
    keepalive: keepalive !== false && {
      timeMs: duration("keepalive.timeMs", keepalive.timeMs, 2 * 3_600_000),
      timeoutMs: duration("keepalive.timeoutMs", keepalive.timeoutMs, 20_000),
    },
    keepaliveEnforcement: keepaliveEnforcement && {
      minTimeMs: duration("keepaliveEnforcement.minTimeMs", keepaliveEnforcement.minTimeMs, 300_000),
      withoutCalls: keepaliveEnforcement.withoutCalls ?? false,
    },
    gate,
  };
}

const never = Number.POSITIVE_INFINITY;

function count(option: string, value: number | undefined, otherwise = never): number {
  if (value === undefined || value === never) return value ?? otherwise;
  return checkNumber(option, value, { atLeast: 1, whole: true });
}

function duration(option: string, value: number | undefined, otherwise: number): number {
  return value === undefined ? otherwise : checkNumber(option, value, { atLeast: 1 });
}

const printError: OnError = (error, call) => {
  console.error(`${call.method.path} failed:`, error);
};
