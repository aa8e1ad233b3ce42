import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import {
  Server as GrpcServer,
  type ServerOptions as GrpcServerOptions,
  ServerCredentials as grpcServerCredentials,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import type { Bound, Dispatcher, ServeOptions, ServerCapabilities, ServerTransport } from "../../contract.js";
import type { ServerCredentials } from "../../credentials.js";
import { longestTimerMs } from "../../deadline.js";
import { listen } from "../listener.js";
import { type CallRegister, GrpcJsIncomingCall } from "./incoming-call.js";

export class GrpcJsServer implements ServerTransport {
  readonly capabilities: ServerCapabilities = { keepaliveEnforcement: false, compression: false };
  readonly #options: ServeOptions;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  async listen(address: string, credentials: ServerCredentials, dispatcher: Dispatcher): Promise<Bound> {
    const calls = new Calls();
    // A server interceptor stands right at the wire. Taking the call there, instead of in a handler, spares the
    // emitters and streams that grpc-js puts round every handler, and leaves errors to us: a rejected async handler
    // of grpc-js is never answered.
    const takeOver: ServerInterceptor = (method, call) => new GrpcJsIncomingCall(method.path, call, dispatcher, calls);
    const server = new GrpcServer({ interceptors: [takeOver], ...serverOptions(this.#options) });
    takeAllMethods(server);
    // Sockets are accepted and encrypted by us, the same for every transport; grpc-js speaks HTTP/2 on them.
    const injector = server.createConnectionInjector(grpcServerCredentials.createInsecure());
    const { gate } = this.#options;
    const listener = await listen(address, credentials, gate, (socket) => {
      // grpc-js would take any certificate that a client shows for the client's own, verified or not.
      if (socket instanceof TLSSocket && !socket.authorized) socket.getPeerCertificate = () => ({}) as never;
      injector.injectConnection(socket);
    });
    return {
      address: listener.address,
      port: listener.port,
      drain(graceMs) {
        listener.close();
        return drain(server, calls, graceMs);
      },
    };
  }
}

/**
 * Gives calls of every path to the interceptor, which asks the dispatcher. grpc-js wants each path to be registered, and
 * has no public way to a server that does not know its methods beforehand, as a proxy's: this method of it is private by
 * its declarations. A test calls an unknown method, and fails should it no longer be asked.
 */
function takeAllMethods(server: GrpcServer): void {
  const retrieve = (path: string) => ({ func: neverCalled, serialize: same, deserialize: same, type: "bidi", path });
  Object.assign(server, { _retrieveHandler: retrieve });
}

const same = (bytes: Buffer): Buffer => bytes;
const neverCalled = (): void => {};

function serverOptions(options: ServeOptions): GrpcServerOptions {
  const { keepalive } = options;
  return {
    // Each method has its own; grpc-js reads no more than the longest of them.
    "grpc.max_receive_message_length": options.longestReceiveBytes,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
    ...limit("grpc.max_concurrent_streams", options.maxConcurrentStreams),
    ...limit("grpc.max_connection_idle_ms", options.maxConnectionIdleMs),
    ...limit("grpc.max_connection_age_ms", options.maxConnectionAgeMs),
    ...limit("grpc.max_connection_age_grace_ms", options.maxConnectionAgeGraceMs),
    ...(keepalive === false
      ? {}
      : {
          ...limit("grpc.keepalive_time_ms", keepalive.timeMs),
          ...limit("grpc.keepalive_timeout_ms", keepalive.timeoutMs),
        }),
  };
}

/** An option that is there only where there is a limit. */
function limit(option: string, value: number): GrpcServerOptions {
  return value > longestTimerMs ? {} : { [option]: value };
}

/** The calls of a server, to wait for and to cut. */
class Calls implements CallRegister {
  readonly #calls = new Set<GrpcJsIncomingCall>();
  #onEmpty: (() => void) | undefined;

  add(call: GrpcJsIncomingCall): void {
    this.#calls.add(call);
  }

  remove(call: GrpcJsIncomingCall): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#onEmpty?.();
  }

  /** Until there are none. */
  ended(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** How many there were. */
  cut(): number {
    const all = [...this.#calls];
    for (const call of all) call.shutDown();
    return all.length;
  }
}

/** Milliseconds for the last trailers to leave. */
const lingerMs = 200;

/**
 * GOAWAY to all clients, then waits. `tryShutdown` itself never returns while a stream stays open, and at times not
 * when the last has ended because its client went away: so it is not what decides.
 */
async function drain(server: GrpcServer, calls: Calls, graceMs: number): Promise<number> {
  const timers = new AbortController();
  const after = (ms: number) =>
    sleep(Math.min(ms, longestTimerMs), undefined, { signal: timers.signal }).catch(() => {});
  await Promise.race([
    new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
    calls.ended().then(() => after(lingerMs)),
    after(graceMs),
  ]);
  timers.abort();
  const cut = calls.cut();
  server.forceShutdown();
  return cut;
}
