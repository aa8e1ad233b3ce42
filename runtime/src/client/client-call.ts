import { onAbort } from "../abort.js";
import type { CallStarter } from "../attempts/attempts.js";
import { publishCall } from "../connection/diagnostics.js";
import type { CallHandle, CallOptions, CallSink, CallSpec, MessageSource, Progress } from "../contract.js";
import { RpcError } from "../error.js";
import { MessageStream, type MessageStreamOwner } from "../message-stream.js";
import { Metadata } from "../metadata.js";
import { Pump, type PumpTarget } from "../pump.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";

/** Messages that may come ahead of the loop that takes them: one being worked on, one ready. */
const readAhead = 2;

/**
 * A call on the wire, seen from the client: the sink that a transport reports to, and the reply that a caller reads.
 *
 * One object per call. Its promises are made only when somebody reads them, so that a unary call costs this object and
 * the one promise that its caller awaits.
 */
export class ClientCall<I, O> extends Reply<O> implements CallSink<O>, MessageStreamOwner, PumpTarget<I> {
  readonly #method: CallSpec<I, O>["method"];
  readonly #options: CallOptions | undefined;
  readonly #startedAt: number = performance.now();
  #handle: CallHandle<I> | undefined;
  #requests: Pump<I> | undefined;
  /** Of kinds that stream responses. */
  readonly #responses: MessageStream<O> | undefined;
  /** Of the other kinds: the one response. */
  #response: { readonly message: O } | undefined;
  #headers: Metadata | undefined;
  #status: Status | undefined;
  #error: RpcError | undefined;
  #whenMessage: Settlement<O> | undefined;
  #whenHeaders: Settlement<Metadata> | undefined;
  #whenStatus: Settlement<Status> | undefined;
  #stopWatching: (() => void) | undefined;
  /** What makes the call once more, should the server refuse it, and of what; see {@link start}. */
  #again: CallStarter | undefined;
  #spec: CallSpec<I, O> | undefined;
  #attempts = 1;

  constructor(method: CallSpec<I, O>["method"], options: CallOptions | undefined) {
    super();
    this.#method = method;
    this.#options = options;
    if (method.kind === "serverStream" || method.kind === "bidiStream") {
      this.#responses = new MessageStream<O>(this);
    }
  }

  /**
   * Puts the call on the wire. A failure to do so is reported like any other.
   *
   * @param isMadeAgain once, where the server has provably not processed it ("transparent retry", gRFC A6). Only of kinds
   *   with one request: streams of them have to be kept for that (attempts/).
   */
  start(
    spec: CallSpec<I, O>,
    connection: CallStarter,
    requests: MessageSource<I> | undefined,
    isMadeAgain = false,
  ): this {
    if (isMadeAgain) {
      this.#again = connection;
      this.#spec = spec;
    }
    try {
      const aborted = this.#watchSignals();
      if (aborted !== undefined) throw aborted;
      if (spec.deadline <= this.#startedAt) {
        throw new RpcError(Code.DEADLINE_EXCEEDED, "the deadline had passed before the call was made");
      }
      const { kind } = this.#method;
      if (kind === "clientStream" || kind === "bidiStream") this.#requests = this.#pump(requests);
      this.#handle = connection.start(spec, this);
    } catch (error) {
      this.onEnd(RpcError.from(error).toStatus(), "unsent");
      return this;
    }
    this.#handle.read(readAhead);
    this.#requests?.run();
    return this;
  }

  /** Ends the call now, whatever the other end does. */
  cancel(reason: RpcError): void {
    if (this.#status !== undefined) return;
    this.onEnd(reason.toStatus(), "unknown");
    this.#handle?.cancel(reason.code, reason.details);
  }

  /** Whether any have come. */
  get hasHeaders(): boolean {
    return this.#headers !== undefined;
  }

  // ── What a caller reads ───────────────────────────────────────────────────────────────────────────────────────────

  override get hasOneResponse(): boolean {
    return this.#responses === undefined;
  }

  get message(): Promise<O> {
    this.#whenMessage ??= new Settlement();
    if (this.#status !== undefined) this.#settleMessage(this.#whenMessage);
    return this.#whenMessage.promise;
  }

  get messages(): AsyncIterable<O> {
    return this.#responses ?? Reply.of(this.message).messages;
  }

  get headers(): Promise<Metadata> {
    this.#whenHeaders ??= new Settlement();
    if (this.hasHeaders || this.#status !== undefined) this.#whenHeaders.resolve(this.#receivedHeaders);
    return this.#whenHeaders.promise;
  }

  get status(): Promise<Status> {
    this.#whenStatus ??= new Settlement();
    if (this.#status !== undefined) this.#whenStatus.resolve(this.#status);
    return this.#whenStatus.promise;
  }

  // ── What a transport reports ──────────────────────────────────────────────────────────────────────────────────────

  onHeaders(metadata: Metadata): void {
    if (this.#status !== undefined) return;
    this.#headers = metadata.isEmpty ? noHeaders : metadata;
    this.#whenHeaders?.resolve(metadata);
    try {
      this.#options?.onHeaders?.(metadata);
    } catch (thrown) {
      this.cancel(hookError("onHeaders", thrown));
    }
  }

  onMessage(message: O): void {
    if (this.#status !== undefined) return;
    if (this.#responses !== undefined) this.#responses.push(message);
    else if (this.#response === undefined) this.#response = { message };
    else this.cancel(new RpcError(Code.UNIMPLEMENTED, "more than one response to a call that has one"));
  }

  onWritable(): void {
    this.#requests?.writable();
  }

  onEnd(status: Status, progress: Progress): void {
    if (this.#status !== undefined || (progress === "refused" && this.#beginAgain())) return;
    this.#status = status;
    this.#stopWatching?.();
    this.#requests?.stop();
    if (status.code !== Code.OK) this.#error = this.#toError(status);
    // Who observes the call hears of its end before its caller does.
    try {
      this.#options?.onTrailers?.(status.metadata);
    } catch (thrown) {
      this.#error ??= hookError("onTrailers", thrown);
    }
    this.#whenHeaders?.resolve(this.#receivedHeaders);
    this.#whenStatus?.resolve(status);
    if (this.#whenMessage !== undefined) this.#settleMessage(this.#whenMessage);
    if (this.#error === undefined) this.#responses?.close();
    else this.#responses?.fail(this.#error);
    publishCall(() => ({
      method: this.#method,
      code: status.code,
      details: status.details,
      peer: this.#handle?.peer(),
      elapsedMs: performance.now() - this.#startedAt,
    }));
  }

  onHandedOver(handle: CallHandle<never>, attempts: number): void {
    // It was started for messages of this call.
    this.#handle = handle as CallHandle<I>;
    this.#attempts = attempts;
  }

  // ── Its loop of responses, and the pump of its requests ────────────────────────────────────────────────────────────

  onTaken(): void {
    this.#handle?.read(1);
  }

  onLeft(): void {
    this.cancel(new RpcError(Code.CANCELLED, "the response stream was left early"));
  }

  send(message: I): boolean {
    return this.#handle!.send(message);
  }

  end(): void {
    this.#handle!.end();
  }

  fail(thrown: unknown): void {
    this.cancel(rpcError(Code.CANCELLED, "the request stream failed", thrown));
  }

  // ── Inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #receivedHeaders(): Metadata {
    return this.#headers === undefined || this.#headers === noHeaders ? new Metadata() : this.#headers;
  }

  #beginAgain(): boolean {
    const again = this.#again;
    if (again === undefined || this.#spec === undefined) return false;
    this.#again = undefined;
    try {
      this.#handle = again.start({ ...this.#spec, isTransparentRetry: true }, this);
    } catch {
      // Why it was refused says more than why it could not be made again.
      return false;
    }
    this.#attempts++;
    this.#handle.read(readAhead);
    return true;
  }

  #settleMessage(settlement: Settlement<O>): void {
    if (this.#error !== undefined) settlement.reject(this.#error);
    else if (this.#response !== undefined) settlement.resolve(this.#response.message);
    else settlement.reject(this.#toError({ ...this.#status!, ...noResponse }));
  }

  #toError(status: Status): RpcError {
    return new RpcError(status.code, status.details, {
      metadata: status.metadata,
      cause: status.cause,
      method: this.#method.path,
      peer: this.#handle?.peer(),
      attempts: this.#handle === undefined ? 0 : (this.#handle.attempts ?? this.#attempts),
      elapsedMs: performance.now() - this.#startedAt,
    });
  }

  #pump(requests: MessageSource<I> | undefined): Pump<I> {
    try {
      return new Pump(requests, this);
    } catch (thrown) {
      throw rpcError(Code.INVALID_ARGUMENT, "the requests cannot be streamed", thrown);
    }
  }

  /** Cancels with the caller's signal and with the parent call; returns the reason where one has aborted already. */
  #watchSignals(): RpcError | undefined {
    const options = this.#options;
    if (options === undefined || (options.signal === undefined && options.parent === undefined)) return undefined;
    const signals = [options.signal, options.parent?.signal].filter((signal) => signal !== undefined);
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) return abortError(aborted);
    const stops = signals.map((signal) => onAbort(signal, (signal) => this.cancel(abortError(signal))));
    this.#stopWatching = () => {
      for (const stop of stops) stop();
    };
    return undefined;
  }
}

/** What most responses have; callers get an object of their own. */
const noHeaders = new Metadata();

const noResponse = { code: Code.UNIMPLEMENTED, details: "no response to a call that has one" } as const;

/** What a call ends with when its caller's own hook has thrown. */
export function hookError(hook: string, thrown: unknown): RpcError {
  return rpcError(Code.CANCELLED, `${hook} threw`, thrown);
}

function rpcError(code: Code, what: string, thrown: unknown): RpcError {
  if (thrown instanceof RpcError) return thrown;
  return new RpcError(code, `${what}: ${RpcError.from(thrown).details}`, { cause: thrown });
}

function abortError(signal: AbortSignal): RpcError {
  return new RpcError(Code.CANCELLED, "the call was cancelled by its caller", { cause: signal.reason });
}

/** A promise with its ends in hand. */
class Settlement<T> {
  resolve!: (value: T) => void;
  reject!: (error: RpcError) => void;
  readonly promise: Promise<T> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
