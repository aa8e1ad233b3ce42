import type { Channel, Metadata as GrpcMetadata, InterceptingListener, StatusObject } from "@grpc/grpc-js";
import { compresses } from "../../compression.js";
import type { CallHandle, CallSink, CallSpec, Traffic } from "../../contract.js";
import { RpcError } from "../../error.js";
import { Metadata } from "../../metadata.js";
import { asBuffer } from "../../method.js";
import { Code, type Status, toCode } from "../../status.js";
import { isGrpcContent, statusOfHttp } from "../answers-without-status.js";
import { encodeMessage } from "../codec.js";
import { copyToGrpcJs, fromGrpcJs, toGrpcJs } from "./metadata.js";

/** The channel that a call is on. */
export interface CallOwner {
  ended(call: Pick<CallHandle<never>, "cancel">, code: Code): void;
}

/** One call on grpc-js; the listener that it reports to and the handle that drives it. */
export class GrpcJsCall<I, O> implements CallHandle<I>, InterceptingListener {
  readonly #call: ReturnType<Channel["createCall"]>;
  readonly #spec: CallSpec<I, O>;
  readonly #sink: CallSink<O>;
  readonly #channel: CallOwner;
  /** Messages that may still come; grpc-js lets one come at a time. */
  #credit = 0;
  #reading = false;
  #done = false;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(call: ReturnType<Channel["createCall"]>, spec: CallSpec<I, O>, sink: CallSink<O>, channel: CallOwner) {
    this.#call = call;
    this.#spec = spec;
    this.#sink = sink;
    this.#channel = channel;
  }

  static encode<I, O>(spec: CallSpec<I, O>, message: I): Buffer {
    return asBuffer(encodeMessage(spec.method.request, message, spec.maxSendMessageBytes));
  }

  start(only: Buffer | undefined): void {
    this.#call.start(this.#metadata(), this);
    if (only === undefined) return;
    this.#sentBytes = only.length;
    this.#call.sendMessageWithContext({ flags: this.#flags(this.#spec.only as I, only) }, only);
    this.#call.halfClose();
  }

  // ── Driven by the call path ──

  /** One message at a time: grpc-js keeps only one while it resolves the target. */
  send(message: I): boolean {
    if (this.#done) return true;
    const bytes = GrpcJsCall.encode(this.#spec, message);
    this.#sentBytes += bytes.length;
    const callback = () => this.#done || this.#sink.onWritable();
    this.#call.sendMessageWithContext({ callback, flags: this.#flags(message, bytes) }, bytes);
    return false;
  }

  end(): void {
    if (!this.#done) this.#call.halfClose();
  }

  read(n: number): void {
    this.#credit += n;
    this.#readOn();
  }

  cancel(code: Code, details: string): void {
    if (!this.#done) this.#call.cancelWithStatus(code, details);
  }

  peer(): string | undefined {
    return this.#call.getPeer();
  }

  traffic(): Traffic {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  // ── Reported by grpc-js ──

  onReceiveMetadata(metadata: GrpcMetadata): void {
    this.#headers = metadata;
    // grpc-js takes any content for gRPC.
    if (isGrpcContent(contentTypeOf(metadata))) this.#sink.onHeaders(fromGrpcJs(metadata));
  }
  /** Undefined where the trailers are all that has come. */
  #headers: GrpcMetadata | undefined;

  onReceiveMessage(bytes: Buffer): void {
    this.#reading = false;
    this.#credit--;
    this.#receivedBytes += bytes.length;
    const { method, maxReceiveMessageBytes } = this.#spec;
    if (maxReceiveMessageBytes !== undefined && bytes.length > maxReceiveMessageBytes) {
      const details = `a response of ${bytes.length} bytes is over maxReceiveMessageBytes, ${maxReceiveMessageBytes}`;
      this.cancel(Code.RESOURCE_EXHAUSTED, details);
      return;
    }
    let message: O;
    try {
      message = method.response.decode(bytes);
    } catch (cause) {
      this.#decodeError = cause;
      const { details } = RpcError.from(cause);
      this.cancel(Code.INTERNAL, `the response is not a readable ${method.response.typeName}: ${details}`);
      return;
    }
    this.#sink.onMessage(message);
    this.#readOn();
  }
  #decodeError: unknown;

  onReceiveStatus(status: StatusObject): void {
    if (this.#done) return;
    this.#done = true;
    const { code, details, metadata, cause } = readStatus(status, this.#headers);
    this.#sink.onEnd({ code, details, metadata, cause: this.#decodeError ?? cause }, "unknown");
    this.#channel.ended(this, code);
  }

  #metadata(): GrpcMetadata {
    const { metadata, waitForReady } = this.#spec;
    if (!waitForReady) return toGrpcJs(metadata);
    const copy = copyToGrpcJs(metadata);
    copy.setOptions({ waitForReady });
    return copy;
  }

  /** grpc-js compresses what a channel sends, or not: what a message may say is no. */
  #flags(message: I, bytes: Uint8Array): number {
    const { compression } = this.#spec;
    if (compression === undefined || compresses(compression, message, bytes.length)) return 0;
    return noCompress;
  }

  #readOn(): void {
    if (this.#reading || this.#credit <= 0 || this.#done) return;
    this.#reading = true;
    this.#call.startRead();
  }
}

/** How grpc-js says that there was no status, or that it could not read what was no message. */
const noStatus = /^Received HTTP status code (\d{3})$/;
const noMessages = /^Received (message larger than max|RST_STREAM with code 0)/;

/** @param headers undefined where none came before the trailers */
function readStatus(status: StatusObject, headers: GrpcMetadata | undefined): Status {
  // Where a message cannot be inflated, grpc-js gives the error that it got where a status should be.
  if (typeof status.details !== "string") {
    const { details } = RpcError.from(status);
    return { code: Code.INTERNAL, details, metadata: new Metadata(), cause: status };
  }
  const [, httpStatus] = noStatus.exec(status.details) ?? [];
  const isForeign = headers !== undefined && !isGrpcContent(contentTypeOf(headers));
  if (httpStatus !== undefined || (isForeign && noMessages.test(status.details))) {
    const answer = headers ?? status.metadata;
    return statusOfHttp(httpStatus ?? "200", contentTypeOf(answer), fromGrpcJs(answer));
  }
  // grpc-js announces a note on name resolution and often has none.
  const details = status.details.replace(/\s*Resolution note: $/, "");
  return { code: toCode(status.code), details, metadata: fromGrpcJs(status.metadata) };
}

function contentTypeOf(headers: GrpcMetadata): string | undefined {
  return headers.get("content-type")[0]?.toString();
}

/** `WriteFlags.NoCompress` of grpc-js, which declares it and does not export it. */
const noCompress = 2;
