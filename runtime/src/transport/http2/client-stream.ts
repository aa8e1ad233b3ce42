import { type Compression, type Encoding, encodings } from "../../compression.js";
import type { CallHandle, CallSink, CallSpec, Codec, Progress } from "../../contract.js";
import { RpcError } from "../../error.js";
import { Metadata } from "../../metadata.js";
import { Code, type Status } from "../../status.js";
import { isGrpcContent, statusOfHttp } from "../answers-without-status.js";
import type { ClientConnection } from "./client-connection.js";
import { ErrorCode, errorName, Flag, FrameType, frameHeaderBytes } from "./frames.js";
import { codeOfReset, decodeStatusMessage, parseStatus } from "./grpc-status.js";
import type { HeaderList } from "./header-list.js";
import { messageAt } from "./message-prefix.js";
import { requireWholeMessages, Stream } from "./stream.js";

/** As it is when this is loaded, whatever a test fakes. */
const { queueMicrotask: soon } = globalThis;

/** Of a message whose length is not known yet. */
const roomyBytes = 1024;

/** A call of whatever types, as its connection keeps it. */
// biome-ignore lint/suspicious/noExplicitAny: calls of all types are on one connection; each is told of what is its own.
export type AnyClientStream = ClientStream<any, any>;

/** A call, at its client. */
export class ClientStream<I = unknown, O = unknown> extends Stream implements CallHandle<I> {
  declare readonly session: ClientConnection;
  // What its spec says of all of its messages; the spec itself is not kept for as long as the call is open.
  #method: CallSpec<I, O>["method"];
  #compression: Compression | undefined;
  readonly #maxSendMessageBytes: number | undefined;
  readonly #maxReceiveMessageBytes: number | undefined;
  readonly isBackground: boolean;
  #sink: CallSink<O>;
  /** How the server has ended the call; told when its messages were read. */
  #ending: Status | undefined = undefined;
  /** What it ends with where no status comes. */
  #withoutStatus: Status = noStatus;

  private constructor(connection: ClientConnection, spec: CallSpec<I, O>, sink: CallSink<O>) {
    super(connection);
    this.#method = spec.method;
    this.#compression = spec.compression;
    this.#maxSendMessageBytes = spec.maxSendMessageBytes;
    this.#maxReceiveMessageBytes = spec.maxReceiveMessageBytes;
    this.isBackground = spec.background === true;
    this.#sink = sink;
  }

  /** @throws RpcError where its one request cannot be encoded; then nothing was sent */
  static start<I, O>(connection: ClientConnection, spec: CallSpec<I, O>, sink: CallSink<O>): ClientStream<I, O> {
    requireWholeMessages();
    const stream = new ClientStream(connection, spec, sink);
    const now = performance.now();
    const leftMs = spec.deadline - now;
    const bound = connection.headers.boundOf(spec);
    if (leftMs <= 0) {
      stream.#finishSoon(failure(Code.DEADLINE_EXCEEDED, "the deadline passed before the call was sent"), "unsent");
    } else if (connection.headers.listBytesOf(bound) > connection.peerMaxListBytes) {
      const details = `the call's metadata is longer than the server takes, ${connection.peerMaxListBytes} bytes in all`;
      stream.#finishSoon(failure(Code.RESOURCE_EXHAUSTED, details), "unsent");
    } else {
      stream.#begin(spec, leftMs, bound);
      if (leftMs !== Number.POSITIVE_INFINITY) stream.limitTime(spec.deadline, now);
    }
    return stream;
  }

  // ── Driven by the call path ───────────────────────────────────────────────────────────────────────────────────────

  send(message: I): boolean {
    // Where the server has ended the call already, nobody is to hurry.
    if (this.isWriteEnded) return false;
    return this.sendMessage(this.#method.request, message, this.#maxSendMessageBytes, this.#compression);
  }

  end(): void {
    this.endWriting();
  }

  cancel(code: Code, details: string): void {
    if (this.isDone) return;
    this.#stop();
    this.#finishSoon(failure(code, details), this.#progress);
  }

  peer(): string | undefined {
    return this.session.peer;
  }

  handOver<M, R>(from: CallSink<R>, to: CallSink<R>, spec: CallSpec<M, R>): CallHandle<M> | undefined {
    // The same call, with requests of another type.
    const stream = this as unknown as ClientStream<M, R>;
    if (stream.#sink !== from) return undefined;
    stream.#sink = to;
    stream.#method = spec.method;
    stream.#compression = spec.compression;
    return stream;
  }

  // ── What comes ────────────────────────────────────────────────────────────────────────────────────────────────────

  onHeaderList(list: HeaderList, endsStream: boolean): void {
    if (this.isDone) return;
    if (list.isTooLong) {
      this.#abort(failure(Code.RESOURCE_EXHAUSTED, "the response's metadata is longer than is taken here"));
    } else if (this.#hasHeaders) {
      if (endsStream && list.status === undefined && !list.hasRequestFields) this.#onTrailers(list);
      else this.#abort(malformed("headers in the midst of messages"), ErrorCode.protocolError);
    } else if (list.status === undefined || list.hasRequestFields || (endsStream && list.status.startsWith("1"))) {
      this.#abort(malformed("no status of HTTP, or fields of a request"), ErrorCode.protocolError);
    } else if (endsStream) {
      this.#onTrailers(list);
    } else if (!list.status.startsWith("1")) {
      this.#onHeaders(list);
    }
  }

  override onData(chunk: Buffer, start: number, end: number): void {
    if (this.#hasHeaders) super.onData(chunk, start, end);
    else this.#abort(malformed("a message before its headers"), ErrorCode.protocolError);
  }

  override onDataEnd(): void {
    if (this.#hasHeaders || this.#ending !== undefined) super.onDataEnd();
    else this.#abort(malformed("an end before any headers"), ErrorCode.protocolError);
  }

  #onHeaders(list: HeaderList): void {
    const { status, contentType, encoding = "identity" } = list;
    if (!isGrpcContent(contentType)) {
      this.#abort(withoutStatus(list));
    } else if (!(encodings as readonly string[]).includes(encoding)) {
      this.#abort(failure(Code.INTERNAL, `the response comes in the encoding ${encoding}, which was not asked for`));
    } else {
      // Whatever HTTP says, a status of gRPC that still comes is the one that counts.
      if (status !== "200") this.#withoutStatus = withoutStatus(list);
      this.receivedEncoding = encoding as Encoding;
      this.#sink.onHeaders(list.metadata());
    }
  }

  /** Told when all messages were read: see `onAllRead`. */
  #onTrailers(list: HeaderList): void {
    const { grpcStatus, grpcMessage } = list;
    if (grpcStatus === undefined) {
      this.#ending = this.#hasHeaders ? this.#withoutStatus : withoutStatus(list);
    } else {
      const details = grpcMessage === undefined ? "" : decodeStatusMessage(grpcMessage);
      this.#ending = { code: parseStatus(grpcStatus), details, metadata: list.metadata() };
    }
    // What it has not taken yet it does not want any more (PROTOCOL-HTTP2, Early Server Closure).
    if (!this.isWriteClosed) {
      this.dropQueue();
      this.session.reset(this, ErrorCode.noError);
      this.onDataEnd();
    }
  }

  protected onAllRead(): void {
    this.#finish(this.#ending ?? this.#withoutStatus, "processed");
    if (!this.isWriteClosed) this.session.reset(this, ErrorCode.noError);
  }

  onReset(error: number): void {
    if (this.isDone) return;
    if (error === ErrorCode.refusedStream) {
      this.#finish(failure(Code.UNAVAILABLE, "the server refused the call"), "refused");
      return;
    }
    const isLate = error === ErrorCode.cancel && this.deadline <= performance.now();
    const code = isLate ? Code.DEADLINE_EXCEEDED : codeOfReset(error);
    this.#finish(failure(code, `the server reset the call (${errorName(error)})`), this.#progress);
  }

  /** The server has said that it has not looked at it, and will not. */
  onRefused(reason: string): void {
    this.session.abandon(this);
    if (!this.isDone) this.#finish(failure(Code.UNAVAILABLE, reason), "refused", true);
  }

  onConnectionLost(reason: string): void {
    this.stopWriting();
    // An answer that is here whole is one.
    if (this.isDone || this.#ending !== undefined) return;
    const details = `the connection to ${this.session.peer} was lost: ${reason}`;
    this.#finish(failure(Code.UNAVAILABLE, details), this.#progress);
  }

  /** The stream is gone already. */
  fail(code: Code, details: string): void {
    if (!this.isDone) this.#finish(failure(code, details), this.#progress);
  }

  onDeadline(): void {
    if (this.isDone) return;
    this.#stop();
    this.#finish(failure(Code.DEADLINE_EXCEEDED, "the deadline passed"), this.#progress);
  }

  // ── For the stream ────────────────────────────────────────────────────────────────────────────────────────────────

  protected get receivedCodec(): Codec<never, unknown> {
    return this.#method.response;
  }

  protected get receiveLimit(): number {
    const { maxReceiveMessageBytes } = this.session;
    const own = this.#maxReceiveMessageBytes;
    return own === undefined ? maxReceiveMessageBytes : Math.min(own, maxReceiveMessageBytes);
  }

  protected tooLong(bytes: number): RpcError {
    const details = `a response of ${bytes} bytes is over maxReceiveMessageBytes, ${this.receiveLimit}`;
    return new RpcError(Code.RESOURCE_EXHAUSTED, details);
  }

  protected unreadable(cause: unknown): RpcError {
    const { details } = RpcError.from(cause);
    const { typeName } = this.#method.response;
    return new RpcError(Code.INTERNAL, `the response is not a readable ${typeName}: ${details}`, { cause });
  }

  protected onMessage(message: unknown): void {
    this.#sink.onMessage(message as O);
  }

  protected onUnreadable({ code, details, cause }: RpcError): void {
    this.#abort({ code, details, cause, metadata: new Metadata() });
  }

  protected onWritable(): void {
    this.#sink.onWritable();
  }

  protected get endsWithData(): boolean {
    return true;
  }

  protected writeEnd(): void {
    this.session.output.frame(0, FrameType.data, Flag.endStream, this.id);
    this.onWriteClosed();
  }

  protected onWriteClosed(): void {
    this.writing = "closed";
    this.session.closeIfDone(this);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param bound what the header block is not longer than */
  #begin(spec: CallSpec<I, O>, leftMs: number, bound: number): void {
    const connection = this.session;
    const { kind, request } = spec.method;
    const { output } = connection;
    if (kind !== "unary" && kind !== "serverStream") {
      connection.add(this);
      connection.headers.write(output, this.id, spec, leftMs);
    } else if (this.canWriteInto(request, spec.compression)) {
      this.#sendWithHeaders(spec, leftMs, bound);
    } else {
      this.queueMessage(request, spec.only as I, spec.maxSendMessageBytes, spec.compression);
      connection.add(this);
      connection.headers.write(output, this.id, spec, leftMs);
      this.stopWriting();
      this.flow();
    }
  }

  /**
   * The one request, first: where it cannot be encoded there is no call, and nothing may have been written of one. The
   * headers, whose length is known only when they are written, then go before it.
   */
  #sendWithHeaders(spec: CallSpec<I, O>, leftMs: number, bound: number): void {
    const connection = this.session;
    const { output } = connection;
    const gap = bound + 2 * frameHeaderBytes;
    output.open(gap + roomyBytes);
    const start = output.end;
    const from = start + gap;
    const length = this.encodeAt(from, spec.method.request, spec.only as I, spec.maxSendMessageBytes);
    output.end = start;
    connection.add(this);
    connection.headers.write(output, this.id, spec, leftMs);
    this.stopWriting();
    const at = output.end;
    if (!this.mayLeave(length)) {
      output.end = from + length;
      this.takeOut(at, from);
      this.flow();
      return;
    }
    const to = at + messageAt;
    output.buffer.copyWithin(to, from, from + length);
    output.end = to + length;
    this.writeFrame(at, length, Flag.endStream);
    this.onWriteClosed();
  }

  get #hasHeaders(): boolean {
    return this.receivedEncoding !== undefined;
  }

  get #progress(): Progress {
    return this.#hasHeaders ? "processed" : "unknown";
  }

  /** Nobody wants the rest of it. */
  #stop(error: number = ErrorCode.cancel): void {
    this.dropQueue();
    this.session.reset(this, error);
  }

  #abort(status: Status, error?: number): void {
    if (this.isDone) return;
    this.#stop(error);
    this.#finish(status, "processed");
  }

  /** Whoever ends it is not called back inside of that. */
  #finishSoon(status: Status, progress: Progress): void {
    this.isDone = true;
    this.stopWriting();
    this.stopTime();
    soon(() => this.#tellEnd(status, progress, false));
  }

  /** @param isMadeAgain it counts as no call of this connection */
  #finish(status: Status, progress: Progress, isMadeAgain = false): void {
    if (this.isDone) return;
    this.isDone = true;
    this.stopTime();
    this.dropQueue();
    this.#tellEnd(status, progress, isMadeAgain);
  }

  #tellEnd(status: Status, progress: Progress, isMadeAgain: boolean): void {
    if (this.id !== 0) this.session.release(this);
    this.#sink.onEnd(status, progress);
    this.session.onCallEnd(isMadeAgain ? undefined : status.code);
  }
}

function failure(code: Code, details: string): Status {
  return { code, details, metadata: new Metadata() };
}

/** RFC 9113, section 8.1.1. */
function malformed(what: string): Status {
  return failure(Code.INTERNAL, `the server has broken the protocol: ${what}`);
}

const noStatus: Status = statusOfHttp("200", "application/grpc");

function withoutStatus(list: HeaderList): Status {
  return statusOfHttp(list.status ?? "", list.contentType, list.metadata());
}
