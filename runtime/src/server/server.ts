import { isLocalAddress } from "../connection/target.js";
import type {
  Bound,
  Call,
  Dispatcher,
  IncomingCall,
  Interceptor,
  ServerSink,
  ServerTransport,
  ServiceDesc,
  ServiceOptions,
  ServiceRegistrar,
  Transport,
} from "../contract.js";
import { insecure, type ServerCredentials } from "../credentials.js";
import { noDeadline } from "../deadline.js";
import { describe, misuse, RpcError } from "../error.js";
import { compose } from "../interceptor.js";
import { checkBytes, defaultMaxReceiveMessageBytes } from "../limits.js";
import { Metadata } from "../metadata.js";
import { Code } from "../status.js";
import { defaultTransport, loadTransport, type TransportName } from "../transport/transports.js";
import { type Propagate, propagation } from "./propagation.js";
import { IncomingServerCall, type OnError, type Route } from "./server-call.js";

export interface ServerOptions {
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
  /** Refuses calls without a deadline, with INVALID_ARGUMENT. A service may say otherwise. Default false. */
  readonly requireDeadline?: boolean | undefined;
  /** Bytes; a longer request ends its call with RESOURCE_EXHAUSTED. Default 4 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** Bytes; a longer response ends its call with RESOURCE_EXHAUSTED. Default: no limit. */
  readonly maxSendMessageBytes?: number | undefined;
}

export interface ListenOptions {
  /** `insecure()` or `serverTls({…})`. Without it an address on this machine is plaintext, any other an error. */
  readonly credentials?: ServerCredentials | undefined;
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
  readonly #routes = new Map<string, Route>();
  readonly #services = new Set<string>();
  readonly #bound: Bound[] = [];
  readonly #propagate: Propagate | undefined;
  #transport: Promise<ServerTransport> | undefined;
  #shutdown: Promise<void> | undefined;

  /** @throws RpcError INVALID_ARGUMENT for an option that cannot be used; it names the option */
  constructor(options: ServerOptions = {}) {
    const { maxReceiveMessageBytes, maxSendMessageBytes } = options;
    if (maxReceiveMessageBytes !== undefined) checkBytes("maxReceiveMessageBytes", maxReceiveMessageBytes);
    if (maxSendMessageBytes !== undefined) checkBytes("maxSendMessageBytes", maxSendMessageBytes);
    const { propagate = "explicit" } = options;
    if (propagate !== "explicit" && propagate !== "auto") {
      throw misuse(`propagate: must be "explicit" or "auto", not ${describe(propagate)}`);
    }
    checkFlag("requireDeadline", options.requireDeadline);
    if (propagate === "auto") this.#propagate = propagation();
    this.#options = options;
  }

  /**
   * Answers the calls of a service with `impl`; generated `register…Server` functions are the typed way here.
   *
   * @throws RpcError ALREADY_EXISTS for a second service of a name, FAILED_PRECONDITION after `listen()`,
   *   INVALID_ARGUMENT for an implementation that lacks a method, or for an option that cannot be used; it names them
   */
  register<Impl>(desc: ServiceDesc<Impl>, impl: Impl, options: ServiceOptions = {}): void {
    const { serviceName, methods } = desc;
    if (this.#transport !== undefined) {
      throw new RpcError(Code.FAILED_PRECONDITION, `${serviceName}: register before listen()`);
    }
    if (this.#services.has(serviceName)) {
      throw new RpcError(Code.ALREADY_EXISTS, `${serviceName} is registered already`);
    }
    const missing = Object.keys(methods).filter((name) => typeof Object(impl)[name] !== "function");
    if (missing.length > 0) {
      throw misuse(
        `${serviceName}: the implementation lacks ${missing.join(", ")}; extend the Unimplemented… class to leave out some`,
      );
    }
    checkFlag(`${serviceName}: requireDeadline`, options.requireDeadline);
    this.#services.add(serviceName);
    const { onError = printError } = this.#options;
    const propagate = this.#propagate;
    const requireDeadline = options.requireDeadline ?? this.#options.requireDeadline ?? false;
    const interceptors = [...(this.#options.interceptors ?? []), ...(options.interceptors ?? [])];
    const reply = (call: Call) => (call as IncomingServerCall).reply();
    const intercepted = interceptors.length === 0 ? undefined : compose(interceptors, reply);
    for (const method of Object.values(methods)) {
      this.#routes.set(method.path, { method, impl, intercepted, onError, propagate, requireDeadline });
    }
  }

  /**
   * Accepts calls on one more address.
   *
   * @param address `host:port` (port 0 takes a free one; `[::1]:0` for IPv6) or `unix:/path`
   * @returns the address and the port that it got
   * @throws RpcError INVALID_ARGUMENT for an address that cannot be used as it is, UNAVAILABLE for one that is taken
   */
  async listen(address: string, options: ListenOptions = {}): Promise<Pick<Bound, "address" | "port">> {
    if (this.#shutdown !== undefined) throw new RpcError(Code.FAILED_PRECONDITION, "listen() after shutdown()");
    const credentials = options.credentials ?? (isLocalAddress(address) ? insecure() : undefined);
    if (credentials === undefined) {
      throw misuse(
        `credentials: ${address} can be reached from other machines, so say how to speak there: ` +
          "credentials: serverTls({ cert, key }) for TLS, or credentials: insecure() for plaintext",
      );
    }
    this.#transport ??= this.#makeTransport();
    const bound = await (await this.#transport).listen(address, credentials, this.#dispatcher);
    this.#bound.push(bound);
    if (this.#shutdown !== undefined) {
      await bound.drain(0);
      throw new RpcError(Code.CANCELLED, "shutdown() came before listen() was done");
    }
    return { address: bound.address, port: bound.port };
  }

  /**
   * Takes no more calls and tells clients so. Resolves when the calls in flight have ended; those that have not within
   * `graceMs` (default 0) are cut with UNAVAILABLE.
   */
  shutdown(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#shutdown ??= Promise.all(this.#bound.map((bound) => bound.drain(options.graceMs ?? 0))).then(() => {});
    return this.#shutdown;
  }

  async #makeTransport(): Promise<ServerTransport> {
    const transport = await loadTransport(this.#options.transport ?? defaultTransport);
    return transport.serve({
      maxReceiveMessageBytes: this.#options.maxReceiveMessageBytes ?? defaultMaxReceiveMessageBytes,
      maxSendMessageBytes: this.#options.maxSendMessageBytes ?? Number.POSITIVE_INFINITY,
    });
  }

  readonly #dispatcher: Dispatcher = {
    methods: { [Symbol.iterator]: () => [...this.#routes.values()].map((route) => route.method).values() },
    accept: (call) => this.#accept(call),
  };

  #accept(call: IncomingCall): ServerSink | undefined {
    const route = this.#routes.get(call.path);
    if (route === undefined) {
      call.end({ code: Code.UNIMPLEMENTED, details: `${call.path} is not served here`, metadata: new Metadata() });
      return undefined;
    }
    if (route.requireDeadline && call.deadline === noDeadline) {
      const details = `${call.path} wants a deadline here (requireDeadline): set timeoutMs or deadline for the call`;
      call.end({ code: Code.INVALID_ARGUMENT, details, metadata: new Metadata() });
      return undefined;
    }
    if (call.deadline <= performance.now()) {
      const details = "the deadline had passed when the call arrived";
      call.end({ code: Code.DEADLINE_EXCEEDED, details, metadata: new Metadata() });
      return undefined;
    }
    return new IncomingServerCall(route, call);
  }
}

function checkFlag(option: string, flag: unknown): void {
  if (flag === undefined || typeof flag === "boolean") return;
  throw misuse(`${option}: must be true or false, not ${describe(flag)}`);
}

const printError: OnError = (error, call) => {
  console.error(`${call.method.path} failed:`, error);
};
