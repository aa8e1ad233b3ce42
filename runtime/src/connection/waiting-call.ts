import type { CallHandle, CallSink, CallSpec, TransportChannel } from "../contract.js";
import { atDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import { Metadata } from "../metadata.js";
import { Code } from "../status.js";

/**
 * A call made while its connection is still being opened. It keeps its deadline and can be cancelled while it waits,
 * and hands what was asked of it to the real call then.
 */
export class WaitingCall<I, O> implements CallHandle<I> {
  readonly #sink: CallSink<O>;
  #call: CallHandle<I> | undefined;
  #over = false;
  readonly #stopTimer: () => void;
  #reads = 0;
  #first: { readonly message: I } | undefined;
  #ended = false;

  constructor(spec: CallSpec<I, O>, sink: CallSink<O>, opening: Promise<TransportChannel>) {
    this.#sink = sink;
    this.#stopTimer = atDeadline(spec.deadline, () => {
      const details = "the deadline passed while the connection was being opened";
      this.#finish(new RpcError(Code.DEADLINE_EXCEEDED, details));
    });
    opening.then(
      (channel) => this.#begin(spec, channel),
      (cause) => {
        const { details } = RpcError.from(cause);
        this.#finish(new RpcError(Code.UNAVAILABLE, `the connection could not be opened: ${details}`, { cause }));
      },
    );
  }

  /** Holds one message and asks for no more until the connection is there. */
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
    else this.#finish(new RpcError(code, details));
  }

  peer(): string | undefined {
    return this.#call?.peer();
  }

  #begin(spec: CallSpec<I, O>, channel: TransportChannel): void {
    if (this.#over) return;
    this.#stopTimer();
    try {
      const call = channel.start(spec, this.#sink);
      this.#call = call;
      if (this.#reads > 0) call.read(this.#reads);
      const wantsMore = this.#first === undefined || call.send(this.#first.message);
      if (this.#ended) call.end();
      if (this.#first !== undefined && wantsMore) this.#sink.onWritable();
    } catch (error) {
      this.#finish(RpcError.from(error));
    }
  }

  #finish(error: RpcError): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopTimer();
    this.#call?.cancel(error.code, error.details);
    const { code, details, cause } = error;
    this.#sink.onEnd({ code, details, cause, metadata: new Metadata() }, "unsent");
  }
}
