import { Metadata as GrpcMetadata, ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { encodings } from "../../compression.js";
import type { Dispatcher, IncomingCall, Peer, ServerSink, Traffic } from "../../contract.js";
import { fromEpochMs, noDeadline } from "../../deadline.js";
import { describe, misuse, RpcError } from "../../error.js";
import { Metadata } from "../../metadata.js";
import { asBuffer } from "../../method.js";
import { Code, type Status } from "../../status.js";
import { encodeMessage } from "../codec.js";
import { fittingTrailers, wellFormed } from "../fitting-trailers.js";
import { addressOf } from "../peer-address.js";
import { identityOf } from "../server-tls.js";
import { fromGrpcJs, toGrpcJs } from "./metadata.js";
import { endedInside, refuseMore, resetInside } from "./request-stream.js";

/** Bytes of responses that grpc-js may hold before the writer has to wait. */
const writeAhead = 64 * 1024;

/** Where the calls of a server are kept while they last. */
export interface CallRegister {
  add(call: GrpcJsIncomingCall): void;
  remove(call: GrpcJsIncomingCall): void;
}

/**
 * A call taken from grpc-js right at its wire: what it gets to start instead of its own handling of the call, and the
 * listener that it then reports to.
 */
export class GrpcJsIncomingCall extends ServerInterceptingCall implements IncomingCall {
  readonly #path: string;
  metadata: Metadata = new Metadata();
  deadline: number = noDeadline;
  readonly #call: ServerInterceptingCallInterface;
  readonly #dispatcher: Dispatcher;
  readonly #register: CallRegister;
  #sink: ServerSink | undefined;
  #credit = 0;
  #reading = false;
  #done = false;
  #unsentBytes = 0;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(path: string, call: ServerInterceptingCallInterface, dispatcher: Dispatcher, register: CallRegister) {
    super(call);
    this.#path = path;
    this.#call = call;
    this.#dispatcher = dispatcher;
    this.#register = register;
  }

  override start(): void {
    this.#register.add(this);
    this.#call.start(this);
  }

  // ── Reported by grpc-js ──

  onReceiveMetadata(metadata: GrpcMetadata): void {
    this.metadata = fromGrpcJs(metadata);
    this.deadline = fromEpochMs(Number(this.#call.getDeadline()));
    if (this.#refusesEncoding()) return;
    this.#sink = this.#dispatcher.accept(this, this.#path, this.metadata.listBytes);
    this.#sink?.onStart();
  }

  /**
   * A request in an encoding that is not known is UNIMPLEMENTED, with the list of those that are (PROTOCOL-HTTP2,
   * compression.md). grpc-js would leave out the list, and keeps the encoding in a private field.
   */
  #refusesEncoding(): boolean {
    const { incomingEncoding = "identity" } = this.#call as { readonly incomingEncoding?: string };
    if ((encodings as readonly string[]).includes(incomingEncoding)) return false;
    this.#finish();
    const metadata = new GrpcMetadata();
    metadata.set("grpc-accept-encoding", encodings.join(","));
    const details = `the message encoding ${describe(incomingEncoding)} is not known here, only ${encodings.join(", ")}`;
    this.#call.sendStatus({ code: Code.UNIMPLEMENTED, details, metadata });
    return true;
  }

  onReceiveMessage(bytes: Buffer): void {
    this.#reading = false;
    this.#credit--;
    this.#receivedBytes += bytes.length;
    const sink = this.#sink;
    if (this.#done || sink === undefined) return;
    if (bytes.length > sink.maxReceiveMessageBytes) {
      const details = `a request of ${bytes.length} bytes is over maxReceiveMessageBytes, ${sink.maxReceiveMessageBytes}`;
      this.#cut(new RpcError(Code.RESOURCE_EXHAUSTED, details));
      return;
    }
    let message: unknown;
    try {
      message = sink.method.request.decode(bytes);
    } catch (cause) {
      const details = `the request is not a readable ${sink.method.request.typeName}`;
      this.#cut(new RpcError(Code.INTERNAL, details, { cause }));
      return;
    }
    sink.onMessage(message);
    this.#readOn();
  }

  onReceiveHalfClose(): void {
    this.#reading = false;
    if (this.#done) return;
    if (resetInside(this.#call)) this.onCancel();
    else if (endedInside(this.#call)) this.#cut(new RpcError(Code.INTERNAL, "the last request was cut short"));
    else this.#sink?.onHalfClose();
  }

  /** Comes at the end of every call, of those too that we ended. */
  onCancel(): void {
    refuseMore(this.#call);
    if (this.#done) return;
    this.#finish();
    this.#sink?.onCancel(
      this.deadline <= performance.now()
        ? new RpcError(Code.DEADLINE_EXCEEDED, "the deadline passed")
        : new RpcError(Code.CANCELLED, "the call was cancelled by its caller, or its connection was lost"),
    );
  }

  // ── Driven by the server ──

  get peer(): Peer {
    const { sslPeerCertificate } = this.#call.getAuthContext();
    const identity = sslPeerCertificate === undefined ? undefined : identityOf(sslPeerCertificate);
    // `getPeer()` of grpc-js knows nothing any more once the call has ended.
    return { address: addressOf(this.#call.getConnectionInfo()), identity };
  }

  traffic(): Traffic {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  read(n: number): void {
    this.#credit += n;
    this.#readOn();
  }

  headers(metadata: Metadata): void {
    if (this.#done) return;
    const bytes = metadata.listBytes;
    if (bytes > headerBlockBytes) {
      throw misuse(`the response's headers have ${bytes} bytes; ${headerBlockBytes} can be sent at most`);
    }
    this.#call.sendMetadata(toGrpcJs(metadata));
  }

  send(message: unknown): boolean {
    if (this.#done || this.#sink === undefined) return true;
    const { method, maxSendMessageBytes } = this.#sink;
    // Its `In` is `never` for whoever does not know the method; the registered handler made the message for it.
    const bytes = asBuffer(encodeMessage(method.response, message as never, maxSendMessageBytes));
    this.#sentBytes += bytes.length;
    this.#unsentBytes += bytes.length;
    this.#call.sendMessage(bytes, () => {
      const waited = this.#unsentBytes >= writeAhead;
      this.#unsentBytes -= bytes.length;
      if (waited && this.#unsentBytes < writeAhead && !this.#done) this.#sink?.onWritable();
    });
    return this.#unsentBytes < writeAhead;
  }

  end({ code, details, metadata }: Status): void {
    if (this.#done) return;
    this.#finish();
    const status = fittingTrailers({ code, details: wellFormed(details), metadata }, headerBlockBytes);
    this.#call.sendStatus({ ...status, metadata: toGrpcJs(status.metadata) });
  }

  /** Cut by a shutdown. */
  shutDown(): void {
    this.#cut(new RpcError(Code.UNAVAILABLE, "the server is shutting down"));
  }

  #cut(reason: RpcError): void {
    this.end(reason.toStatus());
    this.#sink?.onCancel(reason);
  }

  #readOn(): void {
    if (this.#reading || this.#credit <= 0 || this.#done) return;
    this.#reading = true;
    this.#call.startRead();
  }

  #finish(): void {
    this.#done = true;
    this.#register.remove(this);
  }
}

/**
 * Bytes of a header block that Node.js sends at most. It gives up the connection over a longer one, and with it every
 * other call on it. Trailers are about as long as their text.
 */
const headerBlockBytes = 60_000;
