import type { Http2Server, ServerHttp2Session } from "node:http2";
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
import { type Listener, listen } from "../listener.js";
import { closeDeadSessions } from "./dead-sessions.js";
import { type CallRegister, GrpcJsIncomingCall } from "./incoming-call.js";

export class GrpcJsServer implements ServerTransport {
  readonly capabilities: ServerCapabilities = { keepaliveEnforcement: false, compression: false };
  readonly #options: ServeOptions;
  readonly #lookEveryMs: number | undefined;

  /** @param lookEveryMs how often to look for connections that are dead; see there */
  constructor(options: ServeOptions, lookEveryMs?: number) {
    this.#options = options;
    this.#lookEveryMs = lookEveryMs;
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
    const sessions = new Set<ServerHttp2Session>();
    let draining = false;
    for (const one of http2Servers(server)) {
      closeDeadSessions(one, this.#lookEveryMs);
      one.on("session", (session) => {
        sessions.add(session);
        // One whose TLS took until after the end: its client is to see a server that goes away, not one that cannot be
        // reached, for which it would fail calls and back off.
        if (draining) session.once("localSettings", () => session.close());
        session.once("close", () => sessions.delete(session));
      });
    }
    const { gate } = this.#options;
    const listener = await listen(address, credentials, gate, (socket) => {
      if (socket instanceof TLSSocket) showVerifiedOnly(socket);
      injector.injectConnection(socket);
    });
    return {
      address: listener.address,
      port: listener.port,
      sockets: listener.sockets,
      drain(graceMs) {
        listener.close();
        // It sends the GOAWAYs. When it calls back says nothing: from Node.js 24 on its own server closes all sessions
        // first, and it takes those that are being closed for closed.
        if (!draining) server.tryShutdown(() => {});
        draining = true;
        return drain(server, calls, listener, sessions, graceMs);
      },
    };
  }
}

/** grpc-js would take any certificate that a client shows for the client's own, and reads it anew for each call. */
function showVerifiedOnly(socket: TLSSocket): void {
  const certificate = socket.authorized ? socket.getPeerCertificate() : {};
  socket.getPeerCertificate = () => certificate as never;
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

async function allClosed(sessions: Iterable<ServerHttp2Session>): Promise<void> {
  await Promise.all(Array.from(sessions, (session) => new Promise<void>((resolve) => session.once("close", resolve))));
}

/** Its own, that it has for the injector. Private as well; the tests of hostile clients fail should it be gone. */
function http2Servers(server: GrpcServer): Iterable<Http2Server> {
  return (server as unknown as { http2Servers?: Map<Http2Server, unknown> }).http2Servers?.keys() ?? [];
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
  #onEmpty: (() => void)[] = [];

  add(call: GrpcJsIncomingCall): void {
    this.#calls.add(call);
  }

  remove(call: GrpcJsIncomingCall): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /** Until there are none. */
  ended(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
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

/** Milliseconds for those whose TLS was being agreed on when the end began. */
const handshakeMs = 2000;

/**
 * GOAWAY to all clients, then waits. `tryShutdown` itself never returns while a stream stays open, and at times not
 * when the last has ended because its client went away: so it is not what decides. Nor does `forceShutdown` close
 * anything but what channelz knows of; whoever takes no trailers and no GOAWAY is closed by the listener.
 */
async function drain(
  server: GrpcServer,
  calls: Calls,
  listener: Listener,
  sessions: ReadonlySet<ServerHttp2Session>,
  graceMs: number,
): Promise<number> {
  const timers = new AbortController();
  const after = (ms: number) =>
    sleep(Math.min(ms, longestTimerMs), undefined, { signal: timers.signal }).catch(() => {});
  const ended = async () => {
    await Promise.race([listener.allSpeak(), after(handshakeMs)]);
    await Promise.race([allClosed(sessions), calls.ended().then(() => after(lingerMs))]);
  };
  await Promise.race([ended(), after(graceMs)]);
  const cut = calls.cut();
  if (cut > 0) await Promise.race([allClosed(sessions), after(lingerMs)]);
  timers.abort();
  server.forceShutdown();
  await listener.destroy();
  return cut;
}
