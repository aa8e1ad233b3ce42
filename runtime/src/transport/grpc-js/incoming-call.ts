import {
  type Metadata as GrpcMetadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
} from "@grpc/grpc-js";
import type { Dispatcher, IncomingCall, Peer, ServeOptions, ServerSink } from "../../contract.js";
import { fromEpochMs, noDeadline } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Metadata } from "../../metadata.js";
import { asBuffer } from "../../method.js";
import { Code, type Status } from "../../status.js";
import { encodeMessage } from "../codec.js";
import { fromGrpcJs, toGrpcJs } from "./metadata.js";

/** Bytes of responses that grpc-js may hold before the writer has to wait. */
const writeAhead = 64 * 1024;

/** What grpc-js gets to start instead of its own handling of a call. */
export class TakenCall extends ServerInterceptingCall {
  readonly #take: () => void;

  constructor(call: ServerInterceptingCallInterface, take: () => void) {
    super(call);
    this.#take = take;
  }

  override start(): void {
    this.#take();
  }
}

export class GrpcJsIncomingCall implements IncomingCall {
  readonly path: string;
  metadata: Metadata = new Metadata();
  deadline: number = noDeadline;
  readonly #call: ServerInterceptingCallInterface;
  readonly #options: ServeOptions;
  readonly #onDone: () => void;
  #sink: ServerSink | undefined;
  #credit = 0;
  #reading = false;
  #done = false;
  #unsentBytes = 0;

  constructor(path: string, call: ServerInterceptingCallInterface, options: ServeOptions, onDone: () => void) {
    this.path = path;
    this.#call = call;
    this.#options = options;
    this.#onDone = onDone;
  }

  start(dispatcher: Dispatcher): void {
    this.#call.start({
      onReceiveMetadata: (metadata: GrpcMetadata) => {
        this.metadata = fromGrpcJs(metadata);
        const deadline = Number(this.#call.getDeadline());
        this.deadline = fromEpochMs(deadline);
        this.#sink = dispatcher.accept(this);
        this.#sink?.onStart();
      },
      onReceiveMessage: (bytes: Buffer) => this.#receive(bytes),
      onReceiveHalfClose: () => {
        this.#reading = false;
        if (!this.#done) this.#sink?.onHalfClose();
      },
      onCancel: () => {
        if (this.#done) return;
        const late = this.deadline <= performance.now();
        this.#finish(
          late
            ? new RpcError(Code.DEADLINE_EXCEEDED, "the deadline passed")
            : new RpcError(Code.CANCELLED, "the call was cancelled by its caller, or its connection was lost"),
        );
      },
    });
  }

  get peer(): Peer {
    const { sslPeerCertificate } = this.#call.getAuthContext();
    const identity =
      sslPeerCertificate === undefined
        ? undefined
        : {
            subject: Object.entries(sslPeerCertificate.subject ?? {})
              .map(([key, value]) => `${key}=${value}`)
              .join(","),
            subjectAltName: sslPeerCertificate.subjectaltname ?? "",
          };
    return { address: this.#call.getPeer(), identity };
  }

  read(n: number): void {
    this.#credit += n;
    this.#readOn();
  }

  headers(metadata: Metadata): void {
    if (!this.#done) this.#call.sendMetadata(toGrpcJs(metadata));
  }

  send(message: unknown): boolean {
    if (this.#done || this.#sink === undefined) return true;
    const codec = this.#sink.method.response;
    // Its `In` is `never` for whoever does not know the method; the registered handler made the message for it.
    const bytes = asBuffer(encodeMessage(codec, message as never, this.#options.maxSendMessageBytes));
    this.#unsentBytes += bytes.length;
    this.#call.sendMessage(bytes, () => {
      const waited = this.#unsentBytes >= writeAhead;
      this.#unsentBytes -= bytes.length;
      if (waited && this.#unsentBytes < writeAhead && !this.#done) this.#sink?.onWritable();
    });
    return this.#unsentBytes < writeAhead;
  }

  end(status: Status): void {
    if (this.#done) return;
    this.#done = true;
    this.#onDone();
    const { code, details, metadata } = status;
    // A lone surrogate cannot be percent-encoded; grpc-js would throw on it.
    this.#call.sendStatus({ code, details: Buffer.from(details).toString(), metadata: toGrpcJs(metadata) });
  }

  /** Cut by a shutdown. */
  cut(): void {
    const reason = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
    this.end(reason.toStatus());
    this.#sink?.onCancel(reason);
  }

  #receive(bytes: Buffer): void {
    this.#reading = false;
    this.#credit--;
    const sink = this.#sink;
    if (this.#done || sink === undefined) return;
    let message: unknown;
    try {
      message = sink.method.request.decode(bytes);
    } catch (cause) {
      const details = `the request is not a readable ${sink.method.request.typeName}`;
      const reason = new RpcError(Code.INTERNAL, details, { cause });
      this.end(reason.toStatus());
      sink.onCancel(reason);
      return;
    }
    sink.onMessage(message);
    this.#readOn();
  }

  #readOn(): void {
    if (this.#reading || this.#credit <= 0 || this.#done) return;
    this.#reading = true;
    this.#call.startRead();
  }

  #finish(reason: RpcError): void {
    this.#done = true;
    this.#onDone();
    this.#sink?.onCancel(reason);
  }
}
