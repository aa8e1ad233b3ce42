import { markCompressed } from "../../compression.js";
import type { CallHandle, CallSink, CallSpec, Progress, Traffic } from "../../contract.js";
import { atDeadline } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Metadata } from "../../metadata.js";
import { Code, type Status, toCode } from "../../status.js";
import type { Turns } from "../../turns.js";
import { encodeMessage } from "../codec.js";
import { type LaneReader, type Parcel, parcelOf } from "./lane.js";
import type { Link } from "./link.js";
import { type Ending, fromPairs, type Pairs, Stream, toPairs } from "./stream.js";

/** The channel that a call is on. */
export interface CallOwner {
  readonly turns: Turns;
  /** Why there is no connection, where that is known. */
  readonly lastReason: string | undefined;
  ended(call: AnyCall, code: Code): void;
}

/** A call of whatever types, as its channel keeps it. */
export type AnyCall = Pick<
  InProcessCall<never, unknown>,
  "cancel" | "begin" | "fail" | "link" | "waitsForReady" | "isDone"
>;

/** The client's end of a call. */
export class InProcessCall<I, O> implements CallHandle<I>, LaneReader<Pairs, Ending> {
  readonly #spec: CallSpec<I, O>;
  readonly #sink: CallSink<O>;
  readonly #channel: CallOwner;
  readonly #maxReceiveMessageBytes: number;
  readonly #stream: Stream;
  readonly #stopTimer: () => void;
  /** The connection that it is on; undefined while it waits for one. */
  link: Link | undefined;
  isDone = false;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(spec: CallSpec<I, O>, sink: CallSink<O>, channel: CallOwner, maxReceiveMessageBytes: number) {
    const { method, metadata, deadline } = spec;
    this.#spec = spec;
    this.#sink = sink;
    this.#channel = channel;
    this.#maxReceiveMessageBytes = Math.min(
      maxReceiveMessageBytes,
      spec.maxReceiveMessageBytes ?? Number.POSITIVE_INFINITY,
    );
    this.#stream = new Stream(method.path, toPairs(metadata), deadline);
    this.#stream.requests.writeFrom(channel.turns, () => this.isDone || sink.onWritable());
    this.#stream.responses.readIn(channel.turns, this);
    if (method.kind === "unary" || method.kind === "serverStream") {
      this.send(spec.only as I);
      this.end();
    }
    // The server's end hears of it from this one: both are late at the same time.
    this.#stopTimer = atDeadline(deadline, () => this.#onDeadline());
  }

  get waitsForReady(): boolean {
    return this.#spec.waitForReady;
  }

  /** Puts it on a connection. */
  begin(link: Link): void {
    this.link = link;
    link.start(this.#stream);
  }

  // ── Driven by the call path ──

  send(message: I): boolean {
    if (this.isDone) return true;
    const { method, maxSendMessageBytes, compression } = this.#spec;
    const bytes = encodeMessage(method.request, message, maxSendMessageBytes);
    this.#sentBytes += bytes.length;
    return this.#stream.requests.write(parcelOf(message, bytes, compression));
  }

  end(): void {
    if (!this.isDone) this.#stream.requests.close("end");
  }

  read(n: number): void {
    this.#stream.responses.read(n);
  }

  cancel(code: Code, details: string): void {
    this.#abort({ code, details, metadata: new Metadata() });
  }

  peer(): string | undefined {
    return this.link?.peer;
  }

  traffic(): Traffic {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  /** There is no connection for it. */
  fail(details: string): void {
    if (this.isDone) return;
    this.#stop();
    const status = { code: Code.UNAVAILABLE, details, metadata: new Metadata() };
    this.#channel.turns.post(() => this.#tellEnd(status, "unsent"));
  }

  // ── What comes from the server ──

  onOpening(headers: Pairs): void {
    this.#sink.onHeaders(fromPairs(headers));
  }

  onParcel({ bytes, isCompressed }: Parcel): void {
    this.#receivedBytes += bytes.length;
    if (bytes.length > this.#maxReceiveMessageBytes) {
      const details = `a response of ${bytes.length} bytes is over maxReceiveMessageBytes, ${this.#maxReceiveMessageBytes}`;
      this.cancel(Code.RESOURCE_EXHAUSTED, details);
      return;
    }
    const codec = this.#spec.method.response;
    let message: O;
    try {
      message = codec.decode(bytes);
    } catch (cause) {
      const details = `the response is not a readable ${codec.typeName}: ${RpcError.from(cause).details}`;
      this.#abort({ code: Code.INTERNAL, details, metadata: new Metadata(), cause });
      return;
    }
    if (isCompressed) markCompressed(message as object);
    this.#sink.onMessage(message);
  }

  onClosing({ code, details, trailers }: Ending): void {
    this.#stop();
    // What the server ended without having taken it, it has refused.
    const progress = this.#stream.isAccepted ? "processed" : "refused";
    this.#tellEnd({ code: toCode(code), details, metadata: fromPairs(trailers) }, progress);
  }

  // ── Inside ──

  #onDeadline(): void {
    const { lastReason } = this.#channel;
    const why = lastReason === undefined ? "" : `: ${lastReason}`;
    const waited = this.link === undefined ? ` while the call waited for a connection${why}` : "";
    const details = `the deadline passed${waited}`;
    // A timer of Node.js may be early by a millisecond.
    this.#abort({ code: Code.DEADLINE_EXCEEDED, details, metadata: new Metadata() }, true);
  }

  /** Ends it from this side. Whoever cancels it is not called back inside of that. */
  #abort(status: Status, isLate: boolean = this.#spec.deadline <= performance.now()): void {
    if (this.isDone) return;
    this.#stop();
    const progress = this.#stream.isAccepted ? "processed" : "unsent";
    this.#stream.isCancelled = true;
    this.link?.cancel(this.#stream, isLate);
    this.#channel.turns.postSoon(() => this.#tellEnd(status, progress));
  }

  #stop(): void {
    this.isDone = true;
    this.#stopTimer();
    this.#stream.responses.stop();
  }

  #tellEnd(status: Status, progress: Progress): void {
    this.#sink.onEnd(status, progress);
    this.#channel.ended(this, status.code);
  }
}
