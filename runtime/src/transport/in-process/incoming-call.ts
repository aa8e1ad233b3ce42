import { type Compression, markCompressed } from "../../compression.js";
import type { Dispatcher, IncomingCall, Peer, ServerSink, Traffic } from "../../contract.js";
import { RpcError } from "../../error.js";
import type { Metadata } from "../../metadata.js";
import { Code, type Status } from "../../status.js";
import type { Turns } from "../../turns.js";
import { encodeMessage } from "../codec.js";
import { type LaneReader, type Parcel, parcelOf } from "./lane.js";
import { fromPairs, type Stream, toPairs } from "./stream.js";

/** The connection that a call came on. */
export interface IncomingCallOwner {
  readonly serverTurns: Turns;
  readonly client: Peer;
  ended(call: InProcessIncomingCall): void;
}

/** The server's end of a call. */
export class InProcessIncomingCall implements IncomingCall, LaneReader<never, "end"> {
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly #stream: Stream;
  readonly #owner: IncomingCallOwner;
  #sink: ServerSink | undefined;
  #hasHeaders = false;
  #done = false;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(stream: Stream, owner: IncomingCallOwner) {
    this.metadata = fromPairs(stream.metadata);
    this.deadline = stream.deadline;
    this.#stream = stream;
    this.#owner = owner;
  }

  start(dispatcher: Dispatcher): void {
    const { path, requests, responses } = this.#stream;
    const { serverTurns } = this.#owner;
    this.#stream.onCancel = (isLate) => this.#onCancel(isLate);
    responses.writeFrom(serverTurns, () => this.#done || this.#sink?.onWritable());
    this.#sink = dispatcher.accept(this, path, this.metadata.listBytes);
    this.#sink?.onStart();
    if (!this.#done) requests.readIn(serverTurns, this);
  }

  // ── What comes from the caller ──

  onOpening(): void {}

  onParcel({ bytes, isCompressed }: Parcel): void {
    this.#receivedBytes += bytes.length;
    if (this.#done || this.#sink === undefined) return;
    const { method, maxReceiveMessageBytes } = this.#sink;
    if (bytes.length > maxReceiveMessageBytes) {
      const details = `a request of ${bytes.length} bytes is over maxReceiveMessageBytes, ${maxReceiveMessageBytes}`;
      this.#cut(new RpcError(Code.RESOURCE_EXHAUSTED, details));
      return;
    }
    let message: unknown;
    try {
      message = method.request.decode(bytes);
    } catch (cause) {
      const details = `the request is not a readable ${method.request.typeName}`;
      this.#cut(new RpcError(Code.INTERNAL, details, { cause }));
      return;
    }
    if (isCompressed) markCompressed(message as object);
    this.#sink.onMessage(message);
  }

  onClosing(): void {
    if (!this.#done) this.#sink?.onHalfClose();
  }

  #onCancel(isLate: boolean): void {
    if (this.#done) return;
    this.#finish();
    this.#sink?.onCancel(
      isLate
        ? new RpcError(Code.DEADLINE_EXCEEDED, "the deadline passed")
        : new RpcError(Code.CANCELLED, "the call was cancelled by its caller"),
    );
  }

  // ── Driven by the server ──

  get peer(): Peer {
    return this.#owner.client;
  }

  traffic(): Traffic {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  read(n: number): void {
    this.#stream.requests.read(n);
  }

  headers(metadata: Metadata): void {
    if (!this.#done) this.#open(metadata);
  }

  send(message: unknown, compression?: Compression): boolean {
    if (this.#done || this.#sink === undefined) return true;
    const { method, maxSendMessageBytes } = this.#sink;
    // Its `In` is `never` for whoever does not know the method; the registered handler made the message for it.
    const bytes = encodeMessage(method.response, message as never, maxSendMessageBytes);
    this.#sentBytes += bytes.length;
    if (!this.#hasHeaders) this.#open(undefined);
    return this.#stream.responses.write(parcelOf(message, bytes, compression));
  }

  end(status: Status): void {
    if (this.#done) return;
    this.#finish();
    this.#stream.responses.close(endingOf(status));
  }

  /** Cut by a shutdown: at once, also where the caller does not read what was sent before. */
  shutDown(): void {
    if (this.#done) return;
    const reason = new RpcError(Code.UNAVAILABLE, "the server is shutting down");
    this.#finish();
    this.#stream.responses.cut(endingOf(reason.toStatus()));
    this.#sink?.onCancel(reason);
  }

  #cut(reason: RpcError): void {
    this.end(reason.toStatus());
    this.#sink?.onCancel(reason);
  }

  #open(metadata: Metadata | undefined): void {
    this.#hasHeaders = true;
    this.#stream.responses.open(toPairs(metadata));
  }

  #finish(): void {
    this.#done = true;
    this.#stream.onCancel = undefined;
    this.#stream.requests.stop();
    this.#owner.ended(this);
  }
}

function endingOf({ code, details, metadata }: Status) {
  // As UTF-8 would carry it: a lone surrogate does not arrive.
  return { code, details: details === "" ? "" : Buffer.from(details).toString(), trailers: toPairs(metadata) };
}
