import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import {
  Server as GrpcServer,
  type ServerCredentials as GrpcServerCredentials,
  ServerCredentials as grpcServerCredentials,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import type { Bound, Dispatcher, ServeOptions, ServerTransport } from "../../contract.js";
import type { ServerCredentials } from "../../credentials.js";
import { misuse, RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { pem } from "./credentials.js";
import { type CallRegister, GrpcJsIncomingCall } from "./incoming-call.js";

export class GrpcJsServer implements ServerTransport {
  readonly #options: ServeOptions;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  async listen(address: string, credentials: ServerCredentials, dispatcher: Dispatcher): Promise<Bound> {
    const calls = new Calls();
    // A server interceptor stands right at the wire. Taking the call there, instead of in a handler, spares the
    // emitters and streams that grpc-js puts round every handler, and leaves errors to us: a rejected async handler
    // of grpc-js is never answered.
    const takeOver: ServerInterceptor = (method, call) =>
      new GrpcJsIncomingCall(method.path, call, dispatcher, this.#options, calls);
    const server = new GrpcServer({
      interceptors: [takeOver],
      "grpc.max_receive_message_length": this.#options.maxReceiveMessageBytes,
      "grpc.max_send_message_length": -1,
      "grpc.enable_channelz": 0,
    });
    for (const { path } of dispatcher.methods) server.register(path, neverCalled, same, same, "bidi");
    const port = await bind(server, address, credentials);
    return {
      address: boundAddress(address, port),
      port: address.startsWith("unix:") ? 0 : port,
      drain: (graceMs) => drain(server, calls, graceMs),
    };
  }
}

function bind(server: GrpcServer, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, toGrpcServerCredentials(credentials), (cause, port) => {
      if (cause === null) return resolve(port);
      server.forceShutdown();
      reject(new RpcError(Code.UNAVAILABLE, `cannot listen on ${address}: ${cause.message}`, { cause }));
    });
  });
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

  cut(): void {
    for (const call of this.#calls) call.shutDown();
  }
}

/** Milliseconds for the last trailers to leave. */
const lingerMs = 200;

/**
 * GOAWAY to all clients, then waits. `tryShutdown` itself never returns while a stream stays open, and at times not
 * when the last has ended because its client went away: so it is not what decides.
 */
async function drain(server: GrpcServer, calls: Calls, graceMs: number): Promise<void> {
  const timers = new AbortController();
  const after = (ms: number) => sleep(ms, undefined, { signal: timers.signal }).catch(() => {});
  await Promise.race([
    new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
    calls.ended().then(() => after(lingerMs)),
    after(graceMs),
  ]);
  timers.abort();
  calls.cut();
  server.forceShutdown();
}

function boundAddress(address: string, port: number): string {
  return address.startsWith("unix:") ? address : `${address.slice(0, address.lastIndexOf(":"))}:${port}`;
}

function toGrpcServerCredentials(credentials: ServerCredentials): GrpcServerCredentials {
  if (credentials.kind === "insecure") return grpcServerCredentials.createInsecure();
  const { cert, key, clientCa, requireClientCertificate = clientCa !== undefined } = credentials.options;
  try {
    // grpc-js would find out only when it binds, and call it a failure to listen.
    createSecureContext({ cert: pem(cert), key: pem(key), ca: clientCa === undefined ? undefined : pem(clientCa) });
    return grpcServerCredentials.createSsl(
      clientCa === undefined ? null : pem(clientCa),
      [{ cert_chain: pem(cert), private_key: pem(key) }],
      requireClientCertificate,
    );
  } catch (cause) {
    const { details } = RpcError.from(cause);
    throw misuse(`serverTls(): cert, key or clientCa cannot be used: ${details}`, cause);
  }
}

const same = (bytes: Buffer): Buffer => bytes;

/** grpc-js wants a handler for every path that it serves; the interceptor above is always there before it. */
const neverCalled = (): void => {};
