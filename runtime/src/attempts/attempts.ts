/**
 * Tries calls again, as their policy says: gRFC A6. It lies between interceptors, which see one call, and the
 * connection, which sees as many as there are attempts; it is the same on every transport.
 */
import type { Compression } from "../compression.js";
import type { CallHandle, CallSink, CallSpec, Progress, Traffic } from "../contract.js";
import { atDeadline, timeLeft } from "../deadline.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import { Code, type Status } from "../status.js";
import { noTraffic } from "../traffic.js";
import { encodeMessage } from "../transport/codec.js";
import { type AttemptPolicy, attemptsOf, type HedgingPolicy, isHedging, type RetryPolicy } from "./policy.js";
import { type ReplayBudget, type ReplayShare, withEncodedRequests } from "./replay.js";
import type { RetryThrottle } from "./throttle.js";

/** Puts a call on a connection. */
export interface CallStarter {
  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I>;
}

const none: readonly never[] = [];

/** Waits are varied by so much, so that callers that failed together do not come back together. */
const jitter = 0.2;

/** Makes calls that are tried again. */
export class Attempts implements CallStarter {
  readonly #connection: CallStarter;
  readonly #policy: AttemptPolicy | undefined;
  readonly #throttle: RetryThrottle | undefined;
  readonly #budget: ReplayBudget;

  /**
   * @param throttle of the channel; undefined where nothing holds retries back
   * @param budget what all calls of the channel may keep of their requests
   */
  constructor(
    connection: CallStarter,
    policy: AttemptPolicy | undefined,
    throttle: RetryThrottle | undefined,
    budget: ReplayBudget,
  ) {
    this.#connection = connection;
    this.#policy = policy;
    this.#throttle = throttle;
    this.#budget = budget;
  }

  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    return new RetriedCall(this.#connection, spec, sink, this.#policy, this.#throttle, this.#budget);
  }
}

/**
 * A call that may take several attempts.
 *
 * It belongs to one of them for good (it is committed) when that one has brought headers or a message, or has ended for
 * good, or when more of its requests would have to be kept than may be.
 */
class RetriedCall<I, O> implements CallHandle<I> {
  readonly #connection: CallStarter;
  readonly #spec: CallSpec<I, O>;
  readonly #sink: CallSink<O>;
  readonly #policy: AttemptPolicy | undefined;
  readonly #throttle: RetryThrottle | undefined;
  /** Until the call is committed. */
  #share: ReplayShare | undefined;
  #wantsCompression: Compression["only"];
  #toCompress: WeakSet<Uint8Array> | undefined;
  /** Requests, encoded: all of them until the call is committed, then those that have yet to be sent. */
  #kept: Uint8Array[] | undefined;
  /** How many came before those. */
  #dropped = 0;
  #halfClosed = false;
  #credit = 0;
  /** One, mostly: an array that is as long as it needs to be, made anew for each change. */
  #live: readonly Attempt<I, O>[] = none;
  #committed: Attempt<I, O> | undefined;
  #over = false;
  /** The caller was told to wait for `onWritable`. */
  #held = false;
  #stopTimer: (() => void) | undefined;
  #started = 0;
  #wasRefused = false;
  #backoffs = 0;
  #peer: string | undefined;

  constructor(
    connection: CallStarter,
    spec: CallSpec<I, O>,
    sink: CallSink<O>,
    policy: AttemptPolicy | undefined,
    throttle: RetryThrottle | undefined,
    budget: ReplayBudget,
  ) {
    this.#share = budget.share();
    this.#connection = connection;
    this.#spec =
      spec.compression?.only === undefined ? spec : { ...spec, compression: this.#choosing(spec.compression) };
    this.#sink = sink;
    this.#policy = policy;
    this.#throttle = throttle;
    const { method, only, maxSendMessageBytes } = spec;
    if (method.kind === "unary" || method.kind === "serverStream") {
      this.#keep(only as I, encodeMessage(method.request, only as I, maxSendMessageBytes));
      this.#halfClosed = true;
    }
    this.#begin();
    if (policy !== undefined && isHedging(policy)) this.#hedgeIn(policy.hedgingDelayMs, policy);
  }

  /** Attempts that were started. */
  get attempts(): number {
    return this.#started;
  }

  traffic(): Traffic {
    return this.#shown?.traffic() ?? noTraffic;
  }

  /** What speaks for the call: the attempt that it belongs to, or one of those that are out. */
  get #shown(): CallHandle<Uint8Array> | undefined {
    return (this.#committed ?? this.#live[0])?.handle;
  }

  // ── Driven by the call path ──

  send(message: I): boolean {
    if (this.#over) return true;
    const { method, maxSendMessageBytes } = this.#spec;
    this.#keep(message, encodeMessage(method.request, message, maxSendMessageBytes));
    for (const attempt of this.#live) attempt.flow();
    this.#held = this.#isBehind();
    this.#stepAside();
    return !this.#held;
  }

  end(): void {
    this.#halfClosed = true;
    for (const attempt of this.#live) attempt.flow();
  }

  read(n: number): void {
    this.#credit += n;
    for (const attempt of this.#live) attempt.handle?.read(n);
  }

  cancel(code: Code, details: string): void {
    if (this.#over) return;
    this.#finish({ code, details, metadata: new Metadata() }, "unknown");
    for (const attempt of this.#live) attempt.handle?.cancel(code, details);
  }

  peer(): string | undefined {
    return this.#shown?.peer() ?? this.#peer;
  }

  // ── For attempts ──

  /** What an attempt has yet to send: the request with this number, the end, or nothing for now. */
  next(index: number): Uint8Array | "end" | undefined {
    if (this.#committed !== undefined) this.#dropUpTo(index);
    return this.#kept?.[index - this.#dropped] ?? (this.#halfClosed ? "end" : undefined);
  }

  /** An attempt has brought something of an answer: the call is its. Not where another was quicker. */
  commit(attempt: Attempt<I, O>): boolean {
    if (this.#over) return false;
    if (this.#committed !== undefined) return this.#committed === attempt;
    this.#committed = attempt;
    this.#release();
    this.#dropUpTo(attempt.sent);
    this.#stopTimer?.();
    for (const other of this.#live) if (other !== attempt) this.#drop(other);
    return true;
  }

  /** An attempt has brought its headers. */
  attemptHasHeaders(attempt: Attempt<I, O>, metadata: Metadata): void {
    if (!this.commit(attempt)) return;
    this.#stepAside();
    this.#sink.onHeaders(metadata);
  }

  get sink(): CallSink<O> {
    return this.#sink;
  }

  attemptIsWritable(): void {
    if (!this.#held || this.#isBehind()) return;
    this.#held = false;
    this.#sink.onWritable();
  }

  attemptEnded(attempt: Attempt<I, O>, status: Status, progress: Progress): void {
    this.#peer = attempt.handle?.peer() ?? this.#peer;
    this.#remove(attempt);
    if (this.#over || (this.#committed !== undefined && this.#committed !== attempt)) return;
    const policy = this.#policy;
    const pushback = pushbackOf(status);
    if (status.code === Code.OK) this.#throttle?.onSuccess();
    else if (pushback === "never" || (policy !== undefined && isWorthMore(policy, status.code))) {
      this.#throttle?.onFailure();
    }
    if (status.code === Code.OK || this.#committed !== undefined) this.#finish(status, progress);
    else if (progress === "refused" && !this.#wasRefused) this.#beginAgain();
    else if (policy === undefined) this.#finish(status, progress);
    else if (isHedging(policy)) this.#hedgeEnded(policy, pushback, status, progress);
    else this.#retryEnded(policy, pushback, status, progress);
    // Where it was the one that was behind, it does not hold the caller any more.
    if (!this.#over) this.attemptIsWritable();
  }

  // ── Inside ──

  /** The server has not processed it, provably: once, that counts as no attempt. */
  #beginAgain(): void {
    this.#wasRefused = true;
    this.#begin(true);
  }

  /** Attempts that count. */
  get #counted(): number {
    return this.#started - (this.#wasRefused ? 1 : 0);
  }

  /**
   * A call that is committed, and of which nothing is kept, is that of its caller and the transport alone: messages are
   * encoded where they leave from, and a stream that is open and silent keeps nothing of this. A throttle wants to hear
   * how it ends.
   */
  #stepAside(): void {
    const attempt = this.#committed;
    if (attempt === undefined || this.#over || this.#throttle !== undefined) return;
    if (this.#kept !== undefined || attempt.hasEnded !== this.#halfClosed) return;
    if (this.#sink.onHandedOver === undefined) return;
    const handle = attempt.handle?.handOver?.(attempt, this.#sink, this.#spec);
    if (handle !== undefined) this.#sink.onHandedOver(handle, this.#started);
  }

  /** Whether the caller is ahead of what can be sent, or kept. */
  #isBehind(): boolean {
    if (this.#live.length === 0) return this.#share?.isSpent === true;
    return this.#live.some(({ isBehind }) => isBehind);
  }

  #retryEnded(policy: RetryPolicy, pushback: Pushback, status: Status, progress: Progress): void {
    const { initialBackoffMs, maxBackoffMs, backoffMultiplier } = policy;
    const mayRetry =
      isWorthMore(policy, status.code) && this.#counted < attemptsOf(policy) && this.#throttle?.allows !== false;
    // A server that said how long to wait begins the backoff anew.
    this.#backoffs = pushback === undefined ? this.#backoffs + 1 : 0;
    const backoff = Math.min(initialBackoffMs * backoffMultiplier ** (this.#backoffs - 1), maxBackoffMs);
    const waitMs = pushback ?? backoff * (1 + jitter * (2 * Math.random() - 1));
    // Where the deadline comes first, waiting for it would only hide why the call failed.
    if (!mayRetry || waitMs === "never" || waitMs >= timeLeft(this.#spec.deadline)) this.#finish(status, progress);
    else this.#stopTimer = atDeadline(performance.now() + waitMs, () => this.#begin());
  }

  #hedgeEnded(policy: HedgingPolicy, pushback: Pushback, status: Status, progress: Progress): void {
    const isFatal = !isWorthMore(policy, status.code);
    const more = pushback !== "never" && this.#mayHedge(policy);
    if (isFatal || (this.#live.length === 0 && !more)) {
      this.#finish(status, progress);
      for (const other of this.#live) this.#drop(other);
    } else if (more) {
      this.#hedgeIn(pushback ?? 0, policy);
    } else {
      // The server asks for no more; those that are out go on.
      this.#stopTimer?.();
    }
  }

  #mayHedge(policy: HedgingPolicy): boolean {
    return this.#counted < attemptsOf(policy) && this.#throttle?.allows !== false;
  }

  #hedgeIn(millis: number, policy: HedgingPolicy): void {
    this.#stopTimer?.();
    const hedge = () => {
      if (this.#over || this.#committed !== undefined || !this.#mayHedge(policy)) return;
      this.#begin();
      this.#hedgeIn(policy.hedgingDelayMs, policy);
    };
    if (millis === 0) hedge();
    else this.#stopTimer = atDeadline(performance.now() + millis, hedge);
  }

  #begin(isTransparentRetry = false): void {
    if (this.#over) return;
    const { authority, compression, deadline, metadata, method, only, waitForReady } = this.#spec;
    const previous = this.#counted;
    this.#started++;
    const attempt = new Attempt<I, O>(this, only !== undefined);
    this.#live = this.#live.concat(attempt);
    // All fields by their names: copies that are made by spreading have a hidden class each, of some hundred bytes.
    const encoded: Required<CallSpec<Uint8Array, O>> = {
      method: withEncodedRequests(method as never) as CallSpec<Uint8Array, O>["method"],
      authority,
      metadata: previous === 0 ? metadata : withPreviousAttempts(metadata, previous),
      deadline,
      waitForReady,
      attempt: previous,
      isTransparentRetry,
      maxReceiveMessageBytes: this.#spec.maxReceiveMessageBytes,
      maxSendMessageBytes: this.#spec.maxSendMessageBytes,
      compression,
      background: this.#spec.background === true,
      only: (only === undefined ? undefined : this.#kept![0]) as Uint8Array,
    };
    try {
      attempt.start(this.#connection, encoded, this.#credit);
    } catch (error) {
      this.#remove(attempt);
      // Of the first, whoever makes the call hears at once.
      if (this.#started === 1) throw error;
      // What is out may still answer: a hedge that cannot begin is none.
      if (this.#live.length === 0) this.#finish(RpcError.from(error).toStatus(), "unsent");
      return;
    }
    if (this.#share?.isSpent === true) this.commit(attempt);
    this.attemptIsWritable();
  }

  /** Who is asked whether to compress a message is asked of the message, once, and not of its bytes. */
  #choosing(compression: Compression): Compression {
    const toCompress = new WeakSet<Uint8Array>();
    this.#wantsCompression = compression.only;
    this.#toCompress = toCompress;
    return { ...compression, only: (bytes) => toCompress.has(bytes as Uint8Array) };
  }

  #keep(message: I, bytes: Uint8Array): void {
    if (this.#wantsCompression?.(message)) this.#toCompress?.add(bytes);
    if (this.#kept === undefined) this.#kept = [bytes];
    else this.#kept.push(bytes);
    if (this.#share === undefined) return;
    this.#share.add(bytes.length);
    const [any] = this.#live;
    if (any !== undefined && this.#share.isSpent) this.commit(any);
  }

  /** Requests before that number were sent, and are not sent again. A stream that is open and silent keeps none. */
  #dropUpTo(index: number): void {
    for (; this.#dropped < index; this.#dropped++) this.#kept?.shift();
    if (this.#kept?.length === 0) this.#kept = undefined;
  }

  #release(): void {
    this.#share?.release();
    this.#share = undefined;
  }

  #remove(attempt: Attempt<I, O>): void {
    this.#live =
      this.#live.length === 1 && this.#live[0] === attempt ? none : this.#live.filter((one) => one !== attempt);
  }

  #drop(attempt: Attempt<I, O>): void {
    this.#remove(attempt);
    attempt.handle?.cancel(Code.CANCELLED, "another attempt was quicker");
  }

  #finish(status: Status, progress: Progress): void {
    this.#over = true;
    this.#stopTimer?.();
    this.#kept = undefined;
    this.#release();
    this.#sink.onEnd(status, progress);
  }
}

function isWorthMore(policy: AttemptPolicy, code: Code): boolean {
  return (isHedging(policy) ? policy.nonFatalCodes : policy.codes).includes(code);
}

function withPreviousAttempts(metadata: Metadata | undefined, previous: number): Metadata {
  const copy = metadata === undefined ? new Metadata() : metadata.clone();
  return copy.set("grpc-previous-rpc-attempts", String(previous));
}

type Pushback = number | "never" | undefined;

/** `grpc-retry-pushback-ms`: how long the server wants to be left alone, or that it wants no other attempt. */
function pushbackOf(status: Status): Pushback {
  const value = status.metadata.get("grpc-retry-pushback-ms");
  if (value === undefined) return undefined;
  return /^\d{1,10}$/.test(value) ? Number(value) : "never";
}

/** One attempt: the sink that its transport reports to. */
class Attempt<I, O> implements CallSink<O> {
  readonly #call: RetriedCall<I, O>;
  /** Requests that were sent. */
  sent: number;
  #ended: boolean;
  #waits = false;
  handle: CallHandle<Uint8Array> | undefined;

  constructor(call: RetriedCall<I, O>, sendsAtOnce: boolean) {
    this.#call = call;
    this.sent = sendsAtOnce ? 1 : 0;
    this.#ended = sendsAtOnce;
  }

  get isBehind(): boolean {
    return this.#waits;
  }

  /** It was told that there are no more requests. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  start(connection: CallStarter, spec: CallSpec<Uint8Array, O>, credit: number): void {
    this.handle = connection.start(spec, this);
    if (credit > 0) this.handle.read(credit);
    this.flow();
  }

  /** Sends what there is, as far as the transport takes it. */
  flow(): void {
    while (!this.#waits && !this.#ended && this.handle !== undefined) {
      const next = this.#call.next(this.sent);
      if (next === undefined) return;
      if (next === "end") {
        this.#ended = true;
        this.handle.end();
        return;
      }
      this.sent++;
      this.#waits = !this.handle.send(next);
    }
  }

  onHeaders(metadata: Metadata): void {
    this.#call.attemptHasHeaders(this, metadata);
  }

  onMessage(message: O): void {
    if (this.#call.commit(this)) this.#call.sink.onMessage(message);
  }

  onWritable(): void {
    this.#waits = false;
    this.flow();
    this.#call.attemptIsWritable();
  }

  onEnd(status: Status, progress: Progress): void {
    this.#waits = false;
    this.#call.attemptEnded(this, status, progress);
  }
}
