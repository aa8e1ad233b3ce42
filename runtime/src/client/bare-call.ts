import { onAbort } from "../abort.js";
import type { CallStarter } from "../attempts/attempts.js";
import { publishCall } from "../connection/diagnostics.js";
import { WaitingCall } from "../connection/waiting-call.js";
import type { CallHandle, CallSink, CallSpec, Progress, Traffic } from "../contract.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import { Code, type Status } from "../status.js";
import { noTraffic } from "../traffic.js";

/**
 * A call that is driven on the seam: by code that has a way of its own to make calls, and wants what lies below the
 * interceptors. Its sink may hear of the end at once, also while the call is being started or cancelled.
 */
export class BareCall<I, O> implements CallHandle<I>, CallSink<O> {
  readonly #spec: CallSpec<I, O>;
  readonly #sink: CallSink<O>;
  readonly #startedAt: number = performance.now();
  #handle: CallHandle<I> | undefined;
  #over = false;
  #stopWatching: (() => void) | undefined;

  constructor(spec: CallSpec<I, O>, sink: CallSink<O>) {
    this.#spec = spec;
    this.#sink = sink;
  }

  /**
   * Puts the call on the wire. A failure to do so is reported like any other.
   *
   * @param parentSignal cancels the call
   * @param identify puts what identifies the caller into the metadata; undefined where nothing does
   */
  start(connection: CallStarter, parentSignal?: AbortSignal, identify?: () => Promise<void>): this {
    try {
      if (parentSignal !== undefined) this.#watch(parentSignal);
      if (this.#spec.deadline <= this.#startedAt) {
        throw new RpcError(Code.DEADLINE_EXCEEDED, "the deadline had passed before the call was made");
      }
      this.#handle =
        identify === undefined ? connection.start(this.#spec, this) : this.#startIdentified(connection, identify);
    } catch (error) {
      this.onEnd(RpcError.from(error).toStatus(), "unsent");
      return this;
    }
    return this;
  }

  #watch(parent: AbortSignal): void {
    const details = "the parent call was cancelled or has ended";
    if (parent.aborted) throw new RpcError(Code.CANCELLED, details);
    this.#stopWatching = onAbort(parent, () => this.cancel(Code.CANCELLED, details));
  }

  /** Keeps deadline and cancellation while whoever makes the identity takes time. */
  #startIdentified(connection: CallStarter, identify: () => Promise<void>): CallHandle<I> {
    const waiting = new WaitingCall<I, O>(
      this.#spec,
      this,
      () => {},
      () => "its call credentials have not been made",
    );
    identify().then(
      () => waiting.begin(connection),
      (thrown) => waiting.fail(RpcError.from(thrown)),
    );
    return waiting;
  }

  // ── Driven by whoever made the call ──

  send(message: I): boolean {
    return this.#over || this.#handle!.send(message);
  }

  end(): void {
    if (!this.#over) this.#handle!.end();
  }

  read(n: number): void {
    if (!this.#over) this.#handle!.read(n);
  }

  /** The sink hears of it before this returns, whatever the other end does. */
  cancel(code: Code, details: string): void {
    if (this.#over) return;
    this.onEnd({ code, details, metadata: new Metadata() }, "unknown");
    this.#handle?.cancel(code, details);
  }

  peer(): string | undefined {
    return this.#handle?.peer();
  }

  traffic(): Traffic {
    return this.#handle?.traffic() ?? noTraffic;
  }

  get attempts(): number {
    return this.#handle === undefined ? 0 : (this.#handle.attempts ?? 1);
  }

  // ── Reported by the transport ──

  onHeaders(metadata: Metadata): void {
    if (!this.#over) this.#sink.onHeaders(metadata);
  }

  onMessage(message: O): void {
    if (!this.#over) this.#sink.onMessage(message);
  }

  onWritable(): void {
    if (!this.#over) this.#sink.onWritable();
  }

  onEnd(status: Status, progress: Progress): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWatching?.();
    publishCall(() => ({
      method: this.#spec.method,
      code: status.code,
      details: status.details,
      peer: this.peer(),
      elapsedMs: performance.now() - this.#startedAt,
    }));
    this.#sink.onEnd(status, progress);
  }
}
