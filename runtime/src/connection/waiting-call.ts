import type { CallHandle, CallSink, CallSpec, Traffic } from "../contract.js";
import { atDeadline, longestTimerMs } from "../deadline.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import { Code } from "../status.js";
import { noTraffic } from "../traffic.js";

/** Where a call that has waited goes. */
export interface CallStarter {
  start<I, O>(spec: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I>;
}

/**
 * A call that waits for a channel: for one that is being opened, or for room on one. It keeps its deadline and can be
 * cancelled meanwhile, and hands what was asked of it to the real call then.
 */
export class WaitingCall<I, O> implements CallHandle<I> {
  readonly #spec: CallSpec<I, O>;
  readonly #sink: CallSink<O>;
  readonly #onGone: (call: WaitingCall<I, O>) => void;
  /** Waits for a channel that is READY; others take any, and fail with it. */
  readonly isPatient: boolean;
  readonly #stopTimer: () => void;
  /** It holds the process open, as a call on the wire does. */
  readonly #holdOpen = setInterval(() => {}, longestTimerMs);
  #call: CallHandle<I> | undefined;
  #over = false;
  #reads = 0;
  #first: { readonly message: I } | undefined;
  #ended = false;

  /**
   * @param onGone told when it waits no longer without having begun: cancelled, or past its deadline
   * @param why there is no connection, if that is known
   */
  constructor(
    spec: CallSpec<I, O>,
    sink: CallSink<O>,
    onGone: (call: WaitingCall<I, O>) => void,
    why: () => string | undefined,
  ) {
    this.#spec = spec;
    this.#sink = sink;
    this.#onGone = onGone;
    this.isPatient = spec.waitForReady;
    this.#stopTimer = atDeadline(spec.deadline, () => {
      const reason = why();
      const details = `the deadline passed while the call waited for a connection${reason === undefined ? "" : `: ${reason}`}`;
      this.fail(new RpcError(Code.DEADLINE_EXCEEDED, details));
    });
  }

  /** Starts the real call. Whether there is one now: not where this has been cancelled, or cannot be started. */
  begin(channel: CallStarter): boolean {
    if (this.#over) return false;
    this.#stopTimers();
    try {
      const call = channel.start(this.#spec, this.#sink);
      this.#call = call;
      if (this.#reads > 0) call.read(this.#reads);
      const wantsMore = this.#first === undefined || call.send(this.#first.message);
      if (this.#ended) call.end();
      if (this.#first !== undefined && wantsMore) this.#sink.onWritable();
    } catch (error) {
      const { code, details, cause } = RpcError.from(error);
      this.#end(new RpcError(code, details, { cause }));
      // A first message that cannot be encoded: the real call is there already.
      this.#call?.cancel(code, details);
    }
    return this.#call !== undefined;
  }

  /** Ends the wait. */
  fail(error: RpcError): void {
    if (this.#over || this.#call !== undefined) return;
    this.#onGone(this);
    this.#end(error);
  }

  /** Holds one message and asks for no more until there is a channel. */
  send(message: I): boolean {
    if (this.#call !== undefined) return this.#call.send(message);
    this.#first = { message };
    return false;
  }

  end(): void {
    if (this.#call !== undefined) this.#call.end();
    else this.#ended = true;
  }

  read(n: number): void {
    if (this.#call !== undefined) this.#call.read(n);
    else this.#reads += n;
  }

  cancel(code: Code, details: string): void {
    if (this.#call !== undefined) this.#call.cancel(code, details);
    else this.fail(new RpcError(code, details));
  }

  peer(): string | undefined {
    return this.#call?.peer();
  }

  traffic(): Traffic {
    return this.#call?.traffic() ?? noTraffic;
  }

  #end({ code, details, cause }: RpcError): void {
    this.#over = true;
    this.#stopTimers();
    this.#sink.onEnd({ code, details, cause, metadata: new Metadata() }, "unsent");
  }

  #stopTimers(): void {
    this.#stopTimer();
    clearInterval(this.#holdOpen);
  }
}
