/** A transport that only speaks on sockets, the smallest one that there can be: unary calls, on node:http2. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import {
  type CallHandle,
  type CallSink,
  type CallSpec,
  Code,
  type ConnectionObserver,
  encodeMessage,
  Metadata,
  RpcError,
  type SocketConnection,
  type SocketTransport,
  type SpeakOptions,
} from "@trunkline/runtime";
import { GrpcJsServer } from "../../runtime/src/transport/grpc-js/server.js";

export const nodeHttp2: SocketTransport = {
  ...{ name: "node-http2", tellsProgress: true, capabilities: { ping: true, compressionPerCall: false } },
  speak: (socket, options, observer) => new NodeHttp2Connection(socket, options, observer),
  serve: (options) => new GrpcJsServer(options),
};

/** What only speaks on sockets: ours, and this. */
export const socketTransports = [
  { name: "http2", transport: "http2" },
  { name: nodeHttp2.name, transport: nodeHttp2 },
] as const;

class NodeHttp2Connection implements SocketConnection {
  readonly socket: SocketConnection["socket"];
  readonly #session: ClientHttp2Session;
  readonly #observer: ConnectionObserver;
  readonly #options: SpeakOptions;
  readonly #streams = new Set<ClientHttp2Stream>();
  #takesCalls = false;
  #drained: Promise<unknown> | undefined;
  #reason: string | undefined;

  constructor(socket: SocketConnection["socket"], options: SpeakOptions, observer: ConnectionObserver) {
    this.socket = socket;
    this.#options = options;
    this.#observer = observer;
    this.#session = connect(`http://${options.authority}`, { createConnection: () => socket });
    this.#session.unref();
    socket.once("end", () => {
      this.#reason ??= "closed by the peer";
    });
    this.#session.on("error", (error) => {
      this.#reason ??= error.message;
    });
    this.#session.on("remoteSettings", () => {
      const isFirst = !this.#takesCalls && this.#drained === undefined;
      this.#takesCalls ||= isFirst;
      if (isFirst) observer.onReady();
      else observer.onRoom();
    });
    this.#session.on("goaway", (code: number) => {
      this.#takesCalls = false;
      if (this.#drained === undefined) observer.onGoaway(`the peer takes no more calls (GOAWAY ${code})`);
    });
    this.#session.once("close", () => {
      this.#takesCalls = false;
      observer.onClosed(this.#reason ?? "closed here");
    });
  }

  get hasRoom(): boolean {
    return this.#takesCalls && this.callsInFlight < (this.#session.remoteSettings.maxConcurrentStreams ?? 100);
  }

  get callsInFlight(): number {
    return this.#streams.size;
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    const message = encodeMessage(spec.method.request, spec.only as I);
    const stream = this.#session.request({
      ":method": "POST",
      ":path": spec.method.path,
      ":scheme": this.#options.isSecure ? "https" : "http",
      ":authority": spec.authority ?? this.#options.authority,
      "content-type": "application/grpc",
      te: "trailers",
    });
    if (this.#streams.add(stream).size === 1) this.#session.ref();
    const frame = Buffer.concat([Buffer.alloc(5), message]);
    frame.writeUInt32BE(message.length, 1);
    stream.end(frame);
    let answer = Buffer.alloc(0);
    let trailers: IncomingHttpHeaders = {};
    let cancelled: { readonly code: Code; readonly details: string } | undefined;
    stream.on("data", (bytes: Buffer) => {
      answer = Buffer.concat([answer, bytes]);
    });
    stream.on("response", (headers) => {
      trailers = headers;
      sink.onHeaders(new Metadata());
    });
    stream.on("trailers", (headers) => {
      trailers = headers;
    });
    stream.on("error", () => {});
    const cancel = (code: Code, details: string) => {
      cancelled ??= { code, details };
      stream.close(8); // CANCEL
    };
    const leftMs = spec.deadline - performance.now();
    const timer = leftMs < 2 ** 31 ? setTimeout(() => cancel(Code.DEADLINE_EXCEEDED, "late"), leftMs) : undefined;
    stream.once("close", () => {
      clearTimeout(timer);
      if (this.#streams.delete(stream) && this.#streams.size === 0) this.#idle();
      const lost = { code: Code.UNAVAILABLE, details: `the connection was lost: ${this.#reason}` };
      const sent = trailers["grpc-status"];
      const told = { code: Number(sent) as Code, details: decodeURIComponent(String(trailers["grpc-message"] ?? "")) };
      const status = cancelled ?? (sent === undefined ? lost : told);
      if (status.code === Code.OK) sink.onMessage(spec.method.response.decode(answer.subarray(5)));
      sink.onEnd({ ...status, metadata: new Metadata() }, sent === undefined ? "unknown" : "processed");
      this.#observer.onCallEnd(status.code);
      if (this.hasRoom) this.#observer.onRoom();
    });
    const traffic = () => ({ sentBytes: message.length, receivedBytes: answer.length });
    return { send: () => true, end() {}, read() {}, cancel, peer: () => this.#options.peer, traffic };
  }

  ping(deadline: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new RpcError(Code.DEADLINE_EXCEEDED, "no answer to a ping"));
      const timer = setTimeout(late, Math.min(deadline - performance.now(), 2 ** 31 - 1));
      this.#session.ping((error, millis) => {
        clearTimeout(timer);
        if (error === null) resolve(millis);
        else reject(new RpcError(Code.UNAVAILABLE, error.message));
      });
    });
  }

  #idle(): void {
    this.#session.unref();
    if (this.#drained !== undefined) this.#session.destroy();
  }

  async drain(graceMs: number): Promise<void> {
    this.#takesCalls = false;
    this.#drained ??= this.#session.destroyed ? Promise.resolve() : once(this.#session, "close");
    if (this.#streams.size === 0) this.#idle();
    const cut = () => {
      this.#reason ??= "the connection was closed";
      this.#session.destroy();
    };
    const timer = graceMs < 2 ** 31 ? setTimeout(cut, graceMs) : undefined;
    await this.#drained;
    clearTimeout(timer);
  }
}
