/** The smallest transport that carries all four kinds: in memory, from a channel to the dispatcher of a server. */
import type {
  CallHandle,
  CallSink,
  CallSpec,
  ChannelTransport,
  Dispatcher,
  IncomingCall,
  Status,
} from "@trunkline/runtime";
import { Code, encodeMessage, Metadata, RpcError } from "@trunkline/runtime";

const servers = new Map<string, Dispatcher>();
let ports = 0;
type OnEnd = (code: Code) => void;

export const loopback: ChannelTransport = {
  ...{ name: "loopback", tellsProgress: true },
  connect: ({ target }, observer) => ({
    capabilities: { ping: false, compressionPerCall: true },
    state: "READY",
    connect: () => {},
    drain: async () => {},
    start: (spec, sink) =>
      start(spec, sink, (code) => observer.onCallEnd(code), servers.get(target.replace("dns:///", ""))),
  }),
  serve: () => ({
    capabilities: { keepaliveEnforcement: true, compression: true },
    async listen(_address, _credentials, dispatcher) {
      const address = `127.0.0.1:${++ports}`;
      servers.set(address, dispatcher);
      return { address, port: ports, drain: () => Promise.resolve(servers.delete(address)).then(() => 0) };
    },
  }),
};

/** One direction of a call: hands over as many messages as the reader asked for, each in a later turn. */
class Lane {
  onTaken: () => void = () => {};
  bytes = 0;
  readonly #queue: (() => void)[] = [];
  #credit = 0;
  #end: (() => void) | undefined;
  push({ length }: Uint8Array, deliver: () => void): boolean {
    this.bytes += length;
    this.#queue.push(deliver);
    return this.read(0);
  }
  read(n: number): boolean {
    this.#credit += n;
    setImmediate(() => this.#run());
    return this.#queue.length < 2;
  }
  end(then: () => void): void {
    this.#end = then;
    this.read(0);
  }
  #run(): void {
    for (; this.#queue.length > 0 && this.#credit > 0; this.#credit--, this.onTaken()) this.#queue.shift()?.();
    if (this.#queue.length > 0) return;
    this.#end?.();
    this.#end = undefined;
  }
}

function start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>, onEnd: OnEnd, dispatcher?: Dispatcher): CallHandle<I> {
  const requests: Lane = Object.assign(new Lane(), { onTaken: () => sink.onWritable() });
  const responses: Lane = Object.assign(new Lane(), { onTaken: () => server?.onWritable() });
  let ended = false;
  const finish = (status: Status) => {
    clearTimeout(timer);
    if (ended) return;
    ended = true;
    sink.onEnd(status, "processed");
    onEnd(status.code);
  };
  const abort = (code: Code, details: string) => {
    server?.onCancel(new RpcError(code, details));
    finish({ code, details, metadata: new Metadata() });
  };
  const leftMs = spec.deadline - performance.now();
  const timer = leftMs < 2 ** 31 ? setTimeout(() => abort(Code.DEADLINE_EXCEEDED, "late"), leftMs) : undefined;
  const { path, kind, request, response } = spec.method;
  const send = (message: I, bytes = encodeMessage(request, message)) =>
    requests.push(bytes, () => server?.onMessage(server.method.request.decode(bytes)));
  const end = () => requests.end(() => server?.onHalfClose());
  const { metadata = new Metadata() } = spec;
  const incoming: IncomingCall = {
    ...{ metadata, deadline: spec.deadline, peer: { address: "loopback" } },
    read: (n) => void requests.read(n),
    headers: (metadata) => responses.push(new Uint8Array(), () => sink.onHeaders(metadata)) && responses.read(1),
    send(message) {
      const bytes = encodeMessage(server!.method.response, message as never);
      return responses.push(bytes, () => sink.onMessage(response.decode(bytes)));
    },
    end: (status) => responses.end(() => finish(status)),
    traffic: () => ({ sentBytes: responses.bytes, receivedBytes: requests.bytes }),
  };
  const server = dispatcher?.accept(incoming, path, metadata.listBytes);
  server?.onStart();
  if (dispatcher === undefined) setImmediate(() => abort(Code.UNAVAILABLE, "nobody listens"));
  if (kind === "unary" || kind === "serverStream") {
    send(spec.only as I);
    end();
  }
  const traffic = () => ({ sentBytes: requests.bytes, receivedBytes: responses.bytes });
  return { send, end, read: (n) => void responses.read(n), cancel: abort, peer: () => "loopback", traffic };
}
