import { type Compression, type CompressionOption, readCompression } from "../compression.js";
import { CallContext } from "../context.js";
import type {
  Handler,
  IncomingCall,
  MessageSource,
  MethodDesc,
  Next,
  Peer,
  ServerCall,
  ServerSideCall,
  ServerSink,
  Traffic,
} from "../contract.js";
import { atDeadline, checkPoint, fromEpochMs, noDeadline, timeLeft, toDate } from "../deadline.js";
import { describe, isMisuse, misuse, RpcError } from "../error.js";
import { MessageStream, type MessageStreamOwner } from "../message-stream.js";
import { Metadata, type MetadataInit } from "../metadata.js";
import { Pump, type PumpTarget, toAsyncIterable } from "../pump.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { statusDetailsKey } from "../status-details.js";
import { isThenable } from "../thenable.js";
import type { CallCounter } from "./method-stats.js";
import type { OnError } from "./on-error.js";
import type { Propagate, PropagatingCall } from "./propagation.js";

const { setImmediate: nextTurn } = globalThis;

/**
 * A turn after they have ended: node:http2, and so every client on grpc-js, ends the requests of a call that is cancelled
 * before it resets it. The reset comes right behind, and requests that were given up half-way must not look whole.
 */
function endRequests(requests: MessageStream<unknown>): void {
  requests.close();
}

/** Requests that may come ahead of the loop that takes them: one being worked on, one ready. */
const readAhead = 2;

/** What the server knows of a method besides its description. */
export interface Route {
  readonly method: MethodDesc & { readonly handler: Handler<never> };
  readonly impl: unknown;
  /** The way through the interceptors to {@link IncomingServerCall.reply}; undefined where there are none. */
  readonly intercepted: Next | undefined;
  readonly onError: OnError;
  /** Runs handlers such that the calls made inside them inherit; undefined where that is not wanted. */
  readonly propagate: Propagate | undefined;
  /** Whether calls without a deadline are refused. */
  readonly requireDeadline: boolean;
  readonly maxReceiveMessageBytes: number;
  readonly maxSendMessageBytes: number;
  readonly counter: CallCounter;
}

/** What a server keeps for all of its calls. */
export interface CallHost {
  /** How responses are compressed of which nothing else is said. */
  readonly compression: Compression | undefined;
  /** Why they cannot be, where they cannot. */
  cannotCompress: RpcError | undefined;
  /** Calls in flight of kinds that stream. */
  readonly streams: Set<IncomingServerCall>;
}

/**
 * One call at a server: the sink that the transport reports to, the call that an implementation sees, and the call
 * that interceptors see.
 */
export class IncomingServerCall
  implements ServerSink, PropagatingCall, ServerSideCall, MessageStreamOwner, PumpTarget<unknown>
{
  request: unknown;
  requests: MessageSource<unknown> | undefined;
  readonly #route: Route;
  readonly #call: IncomingCall;
  readonly #host: CallHost;
  readonly #startedAt: number;
  /** Monotonic milliseconds; where it is earlier than the caller's. */
  #ownDeadline: number | undefined;
  #compression: Compression | undefined;
  /** Why the call should come to an end, before anything forces it to. */
  #askedToEnd: RpcError | undefined;
  /** Of kinds that stream requests. */
  readonly #incoming: MessageStream<unknown> | undefined;
  /** What interceptors have made of the answer; undefined where there are none. */
  #intercepted: Reply | undefined;
  #pump: Pump<unknown> | undefined;
  #headersSent = false;
  #trailers: Metadata | undefined;
  #abort: AbortController | undefined;
  /** Why the call ended, where not in success. */
  #failure: RpcError | undefined;
  #context: CallContext | undefined;
  #stopTimer: (() => void) | undefined;
  /** How it has ended. */
  #ended: Status | undefined;
  #endListeners: ((status: Status) => void)[] | undefined;

  /** @param startedAt monotonic milliseconds */
  constructor(route: Route, call: IncomingCall, startedAt: number, host: CallHost) {
    this.#route = route;
    this.#call = call;
    this.#host = host;
    this.#startedAt = startedAt;
    this.#compression = host.compression;
    route.counter.onStart(startedAt);
    if (this.method.kind !== "unary") host.streams.add(this);
    if (this.#streamsRequests) {
      this.#incoming = new MessageStream<unknown>(this);
      this.requests = this.#incoming;
    }
  }

  // ── What an implementation and interceptors see ───────────────────────────────────────────────────────────────────

  get side(): "server" {
    return "server";
  }

  get method(): MethodDesc {
    return this.#route.method;
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  get peer(): Peer {
    return this.#call.peer;
  }

  /** Monotonic milliseconds. */
  get #deadline(): number {
    return this.#ownDeadline ?? this.#call.deadline;
  }

  get deadline(): Date | undefined {
    return toDate(this.#deadline);
  }

  set deadline(wanted: Date | undefined) {
    const deadline = wanted === undefined ? noDeadline : fromEpochMs(checkPoint(wanted));
    // A date has no parts of a millisecond: the same one may come out a little later.
    if (deadline > this.#deadline + 1) {
      throw misuse("call.deadline: at a server it can only be brought forward: its caller does not wait any longer");
    }
    this.#ownDeadline = Math.min(deadline, this.#deadline);
    this.#stopTimer?.();
    const takesMs = Math.round(this.timeLeftMs());
    this.#stopTimer = atDeadline(this.#deadline, () => {
      const details = `the server takes at most ${takesMs} ms for ${this.method.path}`;
      this.fail(new RpcError(Code.DEADLINE_EXCEEDED, details));
    });
  }

  timeLeftMs(): number {
    return timeLeft(this.#deadline);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      const reason = this.#failure ?? this.#askedToEnd;
      if (reason !== undefined) this.#abort.abort(reason);
      this.#watchDeadline();
    }
    return this.#abort.signal;
  }

  get trailers(): Metadata {
    this.#trailers ??= new Metadata();
    return this.#trailers;
  }

  get context(): CallContext {
    this.#context ??= new CallContext();
    return this.#context;
  }

  get succeeded(): boolean {
    return this.#over && this.#failure === undefined;
  }

  get #over(): boolean {
    return this.#ended !== undefined;
  }

  get server(): ServerCall {
    return this;
  }

  get compression(): CompressionOption {
    return this.#compression ?? "identity";
  }

  set compression(wanted: CompressionOption) {
    const compression = readCompression("compression", wanted);
    if (compression.encoding !== "identity" && this.#host.cannotCompress !== undefined) throw this.#host.cannotCompress;
    if (this.#headersSent)
      throw misuse("compression: the response's headers, which tell of it, have already been sent");
    this.#compression = compression;
  }

  get maxReceiveMessageBytes(): number {
    return this.#route.maxReceiveMessageBytes;
  }

  get maxSendMessageBytes(): number {
    return this.#route.maxSendMessageBytes;
  }

  traffic(): Traffic {
    return this.#call.traffic();
  }

  onEnd(listener: (status: Status) => void): void {
    if (this.#ended !== undefined) {
      listener(this.#ended);
      return;
    }
    this.#endListeners ??= [];
    this.#endListeners.push(listener);
  }

  sendHeaders(headers: MetadataInit = {}): void {
    if (this.#headersSent) {
      throw misuse("sendHeaders(): the response's headers have already been sent");
    }
    this.#headersSent = true;
    if (!this.#over) this.#call.headers(Metadata.from(headers), this.#compression);
  }

  // ── What the transport reports ────────────────────────────────────────────────────────────────────────────────────

  /** Kinds with one request wait for it, and for the end of the requests: there must not be two. */
  onStart(): void {
    this.#call.read(readAhead);
    if (this.#streamsRequests) this.#run();
  }

  onMessage(message: unknown): void {
    if (this.#over) return;
    if (this.#incoming !== undefined) {
      this.#incoming.push(message);
    } else if (this.request !== undefined) {
      this.fail(new RpcError(Code.UNIMPLEMENTED, `more than one request to ${this.method.path}, which takes one`));
    } else {
      this.request = message;
    }
  }

  onHalfClose(): void {
    if (this.#over) return;
    if (this.#incoming !== undefined) nextTurn(endRequests, this.#incoming);
    else if (this.request !== undefined) this.#run();
    else this.fail(new RpcError(Code.UNIMPLEMENTED, `no request to ${this.method.path}, which takes one`));
  }

  onWritable(): void {
    this.#pump?.writable();
  }

  /** The server shuts down. A handler that streams may still answer, and is asked not to go on for ever. */
  askToEnd(reason: RpcError): void {
    if (this.#over) return;
    this.#askedToEnd = reason;
    this.#abort?.abort(reason);
  }

  onCancel(reason: RpcError): void {
    if (this.#over) return;
    this.#failure = reason;
    this.#incoming?.fail(reason);
    const status = reason.toStatus();
    this.#finish(status);
    this.#abort?.abort(reason);
    this.#tellEnd(status);
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The innermost step for interceptors: what the implementation answers, as a reply. */
  reply(): Reply {
    try {
      const result = this.#invoke();
      const init = { trailers: this.trailers };
      if (!this.#streamsResponses) return Reply.of(result, init);
      return Reply.stream(toAsyncIterable(result as MessageSource<unknown>), init);
    } catch (error) {
      return Reply.fail(error);
    }
  }

  get #streamsRequests(): boolean {
    return this.method.kind === "clientStream" || this.method.kind === "bidiStream";
  }

  get #streamsResponses(): boolean {
    return this.method.kind === "serverStream" || this.method.kind === "bidiStream";
  }

  #invoke(): unknown {
    const { method, impl } = this.#route;
    // The route was registered as a whole: this handler is for this implementation.
    return method.handler(impl as never, this.#streamsRequests ? this.#requests() : this.request, this);
  }

  /** What interceptors have left of the requests, as implementations know them. */
  #requests(): AsyncIterable<unknown> {
    if (this.requests === this.#incoming) return this.#incoming as AsyncIterable<unknown>;
    return toAsyncIterable(this.requests as MessageSource<unknown>);
  }

  #run(): void {
    const { propagate } = this.#route;
    if (propagate === undefined) this.#answer();
    else propagate(this, () => this.#answer());
  }

  #answer(): void {
    const { intercepted } = this.#route;
    if (intercepted !== undefined) {
      void this.#runIntercepted(intercepted);
      return;
    }
    try {
      const result = this.#invoke();
      if (this.#streamsResponses) this.#stream(result as MessageSource<unknown>);
      else if (!isThenable(result)) this.#respond(result);
      else {
        result.then(
          (message) => this.#respond(message),
          (thrown) => this.fail(thrown),
        );
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** Headers, messages and trailers come from the reply: an interceptor may have made it. */
  async #runIntercepted(intercepted: Next): Promise<void> {
    try {
      const reply = intercepted(this);
      const headers = await reply.headers;
      if (headers.size > 0 && !this.#headersSent) this.sendHeaders(headers);
      this.#intercepted = reply;
      if (this.#streamsResponses) return this.#stream(reply.messages);
      this.send(await reply.message);
      this.end();
    } catch (error) {
      this.fail(error);
    }
  }

  #stream(messages: MessageSource<unknown>): void {
    try {
      this.#pump = new Pump(messages, this);
    } catch (error) {
      throw new Fault(error);
    }
    // It may have ended while an interceptor was waiting.
    if (this.#over) this.#stopPump();
    else this.#pump.run();
  }

  #respond(message: unknown): void {
    try {
      this.send(message);
      this.#succeed();
    } catch (error) {
      this.fail(error);
    }
  }

  // ── What its loop takes of requests, and what is answered ─────────────────────────────────────────────────────────

  onTaken(): void {
    this.#call.read(1);
  }

  /** Whoever does not want the rest answers without it. */
  onLeft(): void {}

  send(message: unknown): boolean {
    if (this.#over) return true;
    if (message === null || typeof message !== "object") {
      throw new Fault(new TypeError(`a ${this.method.response.typeName} must be an object, not ${describe(message)}`));
    }
    this.#headersSent = true;
    try {
      const writable = this.#call.send(message, this.#compression);
      if (!writable) this.#watchDeadline();
      return writable;
    } catch (error) {
      throw RpcError.from(error).code === Code.RESOURCE_EXHAUSTED ? error : new Fault(error);
    }
  }

  /** The last message was sent. */
  end(): void {
    if (this.#intercepted === undefined) this.#succeed();
    else
      this.#intercepted.status
        .then(({ metadata }) => this.#succeed(metadata))
        .catch((thrown: unknown) => this.fail(thrown));
  }

  #succeed(trailers: Metadata = this.#trailers ?? noTrailers): void {
    if (this.#over) return;
    const status = { code: Code.OK, details: "", metadata: trailers };
    this.#finish(status);
    this.#call.end(status);
    this.#tellEnd(status);
  }

  fail(thrown: unknown): void {
    const stopped = this.#stoppedAsAsked(thrown) ? this.#askedToEnd : thrown;
    const answer = isAnswer(stopped) ? stopped : faultAnswer(stopped);
    if (answer !== stopped && !(this.#failure !== undefined && isAbortError(thrown))) {
      this.#route.onError(thrown instanceof Fault ? thrown.cause : thrown, this);
    }
    if (this.#over) return;
    this.#failure = answer;
    const { code, details, metadata } = answer.toStatus(); // Its cause stays here, whatever the transport.
    const status = { code, details, metadata: joinTrailers(this.#trailers, metadata) };
    this.#finish(status);
    this.#call.end(status);
    this.#abort?.abort(answer);
    this.#tellEnd(status);
  }

  /** What goes wrong while somebody hears of the end changes nothing of it. */
  #tellEnd(status: Status): void {
    this.#route.counter.onEnd(status.code, performance.now() - this.#startedAt);
    if (this.method.kind !== "unary") this.#host.streams.delete(this);
    if (this.#endListeners === undefined) return;
    for (const listener of this.#endListeners) {
      try {
        listener(status);
      } catch (error) {
        this.#route.onError(error, this);
      }
    }
  }

  /** The handler has stopped because it was asked to: by itself, or in a call of its own that its signal has cancelled. */
  #stoppedAsAsked(thrown: unknown): boolean {
    if (this.#askedToEnd === undefined) return false;
    return isAbortError(thrown) || (thrown instanceof RpcError && thrown.cause === this.#askedToEnd);
  }

  #finish(status: Status): void {
    this.#ended = status;
    this.#stopTimer?.();
    this.#stopPump();
    this.#incoming?.close();
  }

  /**
   * Ends the handler at the deadline, where it can notice. The transport ends the call on the wire; but while a peer does
   * not read what was sent before, grpc-js cannot, and tells nobody that it is time.
   */
  #watchDeadline(): void {
    if (this.#over) return;
    this.#stopTimer ??= atDeadline(this.#call.deadline, () => {
      this.onCancel(new RpcError(Code.DEADLINE_EXCEEDED, "the deadline passed"));
    });
  }

  /** What a generator still does in its `finally` is part of the handler, whoever ended the call. */
  #stopPump(): void {
    const { propagate } = this.#route;
    const pump = this.#pump;
    if (propagate === undefined || pump === undefined) pump?.stop();
    else propagate(this, () => pump.stop());
  }
}

/** An answer's own trailers come after those that the handler has set; there is one value of the details, the answer's. */
function joinTrailers(set: Metadata | undefined, answer: Metadata): Metadata {
  if (set === undefined) return answer;
  const trailers = set.clone();
  if (answer.has(statusDetailsKey)) trailers.delete(statusDetailsKey);
  return trailers.merge(answer);
}

/** Of a call that nobody set any on. Read, never changed: see `Status`. */
const noTrailers = new Metadata();

/** An answer that cannot be sent: the server's fault, and INTERNAL in the statuscodes document. */
class Fault extends Error {
  constructor(cause: unknown) {
    super("an answer that cannot be sent", { cause });
  }
}

/** What the platform's functions throw when `signal` aborts: the handler did as it was asked. */
function isAbortError(thrown: unknown): boolean {
  return (thrown as { name?: unknown } | undefined)?.name === "AbortError";
}

/** An RpcError is an answer; anything else is a fault, of which the peer learns only that there was one. */
function isAnswer(thrown: unknown): thrown is RpcError {
  return thrown instanceof RpcError && thrown.code !== Code.OK && !isMisuse(thrown);
}

function faultAnswer(thrown: unknown): RpcError {
  const cannotBeSent = thrown instanceof Fault || (thrown instanceof RpcError && thrown.code === Code.OK);
  return new RpcError(cannotBeSent ? Code.INTERNAL : Code.UNKNOWN, "the server failed to handle the call");
}
