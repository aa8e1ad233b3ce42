import { type Compression, type Encoding, encodings } from "../../compression.js";
import type { Codec, Dispatcher, IncomingCall, Peer, ServerSink } from "../../contract.js";
import { noDeadline } from "../../deadline.js";
import { describe, misuse, RpcError } from "../../error.js";
import { Metadata, type ReceivedPairs } from "../../metadata.js";
import { Code, type Status } from "../../status.js";
import { fittingTrailers, wellFormed } from "../fitting-trailers.js";
import { ErrorCode } from "./frames.js";
import { parseTimeout } from "./grpc-timeout.js";
import type { HeaderList } from "./header-list.js";
import type { ServerConnection } from "./server-connection.js";
import { Stream } from "./stream.js";

/** Bytes of the fields that every list has. */
const commonBytes = 300;

/** A call, at its server. */
export class ServerStream extends Stream implements IncomingCall {
  /** Of its headers, as far as they were kept. */
  readonly listBytes: number;
  declare readonly session: ServerConnection;
  /** What came with its headers; undefined once it is metadata that somebody may change. */
  #received: ReceivedPairs | undefined;
  #metadata: Metadata | undefined = undefined;
  #sink: ServerSink | undefined = undefined;
  readonly #accepted: string | undefined;
  /** Of the responses, as their headers have announced it; undefined until they have. */
  #encoding: Encoding | undefined = undefined;
  #status: Answer | undefined = undefined;

  constructor(connection: ServerConnection, id: number, list: HeaderList) {
    super(connection);
    this.id = id;
    this.#received = list.received;
    this.listBytes = list.keptBytes;
    this.#accepted = list.acceptEncoding;
  }

  /** Whether it has been answered, or has run out of time by itself. */
  get isOver(): boolean {
    return this.isDone || this.deadline <= performance.now();
  }

  /** What its headers say, and then whoever serves it. */
  begin(list: HeaderList, dispatcher: Dispatcher): void {
    const timeoutMs = list.timeout === undefined ? noDeadline : parseTimeout(list.timeout);
    this.receivedEncoding = list.encoding as Encoding | undefined;
    const refusal = refusalOf(list, timeoutMs);
    if (refusal !== undefined) {
      this.end({ ...refusal, metadata: new Metadata() });
      return;
    }
    if (timeoutMs !== undefined && timeoutMs !== noDeadline) {
      const now = performance.now();
      this.limitTime(now + timeoutMs, now);
    }
    this.#sink = dispatcher.accept(this, list.path ?? "", list.metadataBytes);
    this.#sink?.onStart();
  }

  // ── Driven by the server ──────────────────────────────────────────────────────────────────────────────────────────

  /** Made when it is asked for: not all handlers look at it, and most streams wait most of the time. */
  get metadata(): Metadata {
    if (this.#metadata === undefined) {
      this.#metadata = this.#received === undefined ? new Metadata() : Metadata.received(this.#received);
      this.#received = undefined;
    }
    return this.#metadata;
  }

  get peer(): Peer {
    return this.session.client;
  }

  headers(metadata: Metadata, compression?: Compression): void {
    if (this.isDone || this.#encoding !== undefined) return;
    const bytes = metadata.listBytes + commonBytes;
    if (bytes > this.session.peerMaxListBytes) {
      throw misuse(
        `the response's headers have ${bytes} bytes; this client takes ${this.session.peerMaxListBytes} at most`,
      );
    }
    this.#open(metadata, compression);
  }

  send(message: unknown, compression?: Compression): boolean {
    if (this.isDone || this.#sink === undefined) return true;
    const { method, maxSendMessageBytes } = this.#sink;
    if (this.#encoding === undefined) this.#open(undefined, compression);
    const used = this.#encoding === "identity" ? undefined : compression;
    // Its `In` is `never` for whoever does not know the method; the registered handler made the message for it.
    return this.sendMessage(method.response, message as never, maxSendMessageBytes, used);
  }

  end(status: Answer): void {
    if (this.isDone) return;
    this.#finish();
    this.#status = status;
    this.endWriting();
  }

  /** Cut by a shutdown. */
  shutDown(): void {
    this.#cut(new RpcError(Code.UNAVAILABLE, "the server is shutting down"));
  }

  // ── What comes ────────────────────────────────────────────────────────────────────────────────────────────────────

  onReset(error: number): void {
    const isLate = this.deadline <= performance.now();
    this.onGone(
      isLate
        ? new RpcError(Code.DEADLINE_EXCEEDED, "the deadline passed")
        : new RpcError(
            Code.CANCELLED,
            error === ErrorCode.cancel || error === ErrorCode.noError
              ? "the call was cancelled by its caller"
              : "the call was reset by its client",
          ),
    );
  }

  /** There is nobody left to be answered. */
  onGone(reason: RpcError): void {
    this.dropQueue();
    if (this.isDone) return;
    this.#finish();
    this.#sink?.onCancel(reason);
  }

  onDeadline(): void {
    this.#cut(new RpcError(Code.DEADLINE_EXCEEDED, "the deadline passed"));
  }

  // ── For the stream ────────────────────────────────────────────────────────────────────────────────────────────────

  protected get receivedCodec(): Codec<never, unknown> {
    return this.#sink!.method.request;
  }

  protected get receiveLimit(): number {
    return this.#sink === undefined ? 0 : this.#sink.maxReceiveMessageBytes;
  }

  protected tooLong(bytes: number): RpcError {
    const details = `a request of ${bytes} bytes is over maxReceiveMessageBytes, ${this.receiveLimit}`;
    return new RpcError(Code.RESOURCE_EXHAUSTED, details);
  }

  protected unreadable(cause: unknown): RpcError {
    const { typeName } = this.receivedCodec;
    return new RpcError(Code.INTERNAL, `the request is not a readable ${typeName}`, { cause });
  }

  protected onMessage(message: unknown): void {
    this.#sink!.onMessage(message);
  }

  protected onAllRead(): void {
    if (!this.isDone) this.#sink?.onHalfClose();
  }

  protected onUnreadable(error: RpcError): void {
    this.#cut(error);
  }

  protected onWritable(): void {
    this.#sink?.onWritable();
  }

  protected get endsWithData(): boolean {
    return false;
  }

  protected writeEnd(): void {
    const { output, headers, peerMaxListBytes } = this.session;
    const { code, details, metadata, httpStatus = "200" } = this.#status!;
    let status: Status = { code, details: wellFormed(details), metadata };
    if (peerMaxListBytes < Number.POSITIVE_INFINITY) {
      status = fittingTrailers(status, Math.max(0, peerMaxListBytes - commonBytes));
    }
    if (this.#encoding !== undefined) headers.writeTrailers(output, this.id, status);
    else headers.writeTrailersOnly(output, this.id, status, httpStatus, this.#isToldEncodings);
    this.onWriteClosed();
  }

  protected onWriteClosed(): void {
    this.writing = "closed";
    this.session.onAnswered();
    // Nobody reads what the client still sends (RFC 9113, section 8.1).
    if (this.isReadClosed) this.session.closeIfDone(this);
    else this.session.reset(this, ErrorCode.noError);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #open(metadata: Metadata | undefined, compression: Compression | undefined): void {
    const { encoding = "identity" } = compression ?? {};
    // Who does not accept it gets messages as they are.
    this.#encoding = encoding !== "identity" && this.#accepts(encoding) ? encoding : "identity";
    const { output, headers } = this.session;
    headers.writeHeaders(output, this.id, metadata, this.#encoding, this.#isToldEncodings);
  }

  /** Whose requests are in an encoding: in one that is not known here, they are refused (compression.md). */
  get #isToldEncodings(): boolean {
    return this.receivedEncoding !== undefined && this.receivedEncoding !== "identity";
  }

  #accepts(encoding: Encoding): boolean {
    return this.#accepted?.split(",").some((one) => one.trim() === encoding) === true;
  }

  /** Ends it from here, before what its client has yet to take. */
  #cut(reason: RpcError): void {
    if (this.isDone) return;
    this.dropQueue();
    this.end(reason.toStatus());
    this.#sink?.onCancel(reason);
  }

  #finish(): void {
    this.isDone = true;
    this.stopTime();
  }
}

interface Answer extends Status {
  /** Of what is no call of gRPC. */
  readonly httpStatus?: string;
}

/**
 * Why a call is not for anybody to serve (PROTOCOL-HTTP2, Requests); undefined where it is.
 *
 * @param timeoutMs undefined where what it says of its time cannot be read
 */
function refusalOf(list: HeaderList, timeoutMs: number | undefined): Omit<Answer, "metadata"> | undefined {
  const { method, contentType, timeout, encoding = "identity", isTooLong, bytes } = list;
  const { INTERNAL, RESOURCE_EXHAUSTED, UNIMPLEMENTED } = Code;
  if (isTooLong) return { code: RESOURCE_EXHAUSTED, details: `the call's header list of ${bytes} bytes is too long` };
  if (method !== "POST") return { code: INTERNAL, details: `a call is a POST, not a ${method}`, httpStatus: "405" };
  if (contentType?.startsWith("application/grpc") !== true) {
    return { code: INTERNAL, details: `${contentType ?? "none"} is no content-type of gRPC`, httpStatus: "415" };
  }
  if (timeoutMs === undefined) {
    return { code: INTERNAL, details: `grpc-timeout: ${describe(timeout)} is none` };
  }
  if ((encodings as readonly string[]).includes(encoding)) return undefined;
  const details = `the message encoding ${describe(encoding)} is not known here, only ${encodings.join(", ")}`;
  return { code: UNIMPLEMENTED, details };
}
