import type { CallHandle, CallSink, CallSpec, Progress } from "../contract.js";
import type { RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import type { Code, Status } from "../status.js";
import { type CallStarter, WaitingCall } from "./waiting-call.js";

/** Whose calls they are. */
export interface WaitingCallsOwner {
  /** Why there is no connection for them, if that is known. */
  readonly reasonToWait: string | undefined;
  /** Told of calls that have ended without having begun: nobody else tells of these. */
  onCallEnd(code: Code): void;
  /** The last has begun, or has ended: later calls wait elsewhere. */
  onNoneWaiting(): void;
}

// biome-ignore lint/suspicious/noExplicitAny: calls of all types wait in one place; each is started as what it is.
type AnyCall = WaitingCall<any, any>;

/** Calls that wait for a connection, or for room on one, in the order in which they came. */
export class WaitingCalls implements CallStarter {
  readonly #owner: WaitingCallsOwner;
  readonly #calls = new Set<AnyCall>();
  readonly #onNone: (() => void)[] = [];
  /** Where the next of them begins. */
  #picked: CallStarter | undefined;

  constructor(owner: WaitingCallsOwner) {
    this.#owner = owner;
  }

  add<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): WaitingCall<I, O> {
    const owner = this.#owner;
    const waiting = new WaitingSink(sink, owner);
    const call = new WaitingCall<I, O>(
      spec,
      waiting,
      (gone) => this.#release(gone),
      () => owner.reasonToWait,
    );
    this.#calls.add(call);
    return call;
  }

  /** Begins as many as there is room for. */
  beginAll(pick: () => CallStarter | undefined): void {
    for (const call of this.#calls) {
      this.#picked = pick();
      if (this.#picked === undefined) return;
      this.#release(call);
      call.begin(this);
    }
  }

  /** Ends the wait of all, or of some. */
  fail(error: RpcError, which: (call: AnyCall) => boolean = () => true): void {
    for (const call of [...this.#calls]) if (which(call)) call.fail(error);
  }

  /** Resolves when none waits. */
  none(): Promise<void> {
    return new Promise((resolve) => this.#onNone.push(resolve));
  }

  /** For a call that has waited. */
  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I> {
    const call = this.#picked!.start(spec, sink);
    (sink as WaitingSink<O>).hasBegun = true;
    return call;
  }

  #release(call: AnyCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    this.#owner.onNoneWaiting();
    for (const resolve of this.#onNone.splice(0)) resolve();
  }
}

/** The sink of a call that has waited: it hears of one end, and so does who counts calls. */
class WaitingSink<O> implements CallSink<O> {
  readonly #sink: CallSink<O>;
  readonly #owner: WaitingCallsOwner;
  /** From here on its connection tells of its end. */
  hasBegun = false;
  #isOver = false;

  constructor(sink: CallSink<O>, owner: WaitingCallsOwner) {
    this.#sink = sink;
    this.#owner = owner;
  }

  onHeaders(metadata: Metadata): void {
    if (!this.#isOver) this.#sink.onHeaders(metadata);
  }

  onMessage(message: O): void {
    if (!this.#isOver) this.#sink.onMessage(message);
  }

  onWritable(): void {
    if (!this.#isOver) this.#sink.onWritable();
  }

  onEnd(status: Status, progress: Progress): void {
    // Where its first message cannot be encoded it has ended before the call that is cancelled for that has.
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.onEnd(status, progress);
    if (!this.hasBegun) this.#owner.onCallEnd(status.code);
  }
}
