import { CallContext } from "../context.js";
import type { AttemptListener, CallOptions, ClientSideCall, MessageSource, MethodDesc } from "../contract.js";
import { checkPoint, fromEpochMs, noDeadline, timeLeft, toDate } from "../deadline.js";
import { Metadata } from "../metadata.js";
import type { ClientCall } from "./client-call.js";

/** A call as a client's interceptors see it; made only where there are any. */
export class OutgoingCall implements ClientSideCall {
  readonly side = "client";
  readonly method: MethodDesc;
  readonly metadata: Metadata;
  readonly target: string;
  readonly options: CallOptions | undefined;
  request: unknown;
  requests: MessageSource<unknown> | undefined;
  /** Monotonic ms. */
  deadlineMs: number;
  #context: CallContext | undefined;
  #signal: AbortSignal | undefined;
  /** Who wants to hear of each attempt; undefined where nobody does. */
  attemptListeners: AttemptListener[] | undefined;
  /** What it has become on the wire; the last of several. */
  onWire: ClientCall<unknown, unknown> | undefined;

  constructor(
    method: MethodDesc,
    request: unknown,
    requests: MessageSource<unknown> | undefined,
    deadline: number,
    options: CallOptions | undefined,
    target: string,
  ) {
    this.method = method;
    this.request = request;
    this.requests = requests;
    this.deadlineMs = deadline;
    this.options = options;
    this.target = target;
    this.metadata = options?.metadata === undefined ? new Metadata() : new Metadata(options.metadata);
  }

  /** What cancels the call: its caller's signal, and its parent's end. */
  get signal(): AbortSignal | undefined {
    const signal = this.options?.signal;
    const parent = this.options?.parent?.signal;
    if (signal === undefined || parent === undefined) return signal ?? parent;
    this.#signal ??= AbortSignal.any([signal, parent]);
    return this.#signal;
  }

  onAttempt(listener: AttemptListener): void {
    this.attemptListeners ??= [];
    this.attemptListeners.push(listener);
  }

  get context(): CallContext {
    if (this.#context === undefined) {
      const behind = [this.options?.context, this.options?.parent?.context];
      this.#context = new CallContext(...behind.filter((context) => context !== undefined));
    }
    return this.#context;
  }

  get deadline(): Date | undefined {
    return toDate(this.deadlineMs);
  }

  set deadline(deadline: Date | undefined) {
    this.deadlineMs = deadline === undefined ? noDeadline : fromEpochMs(checkPoint(deadline));
  }

  timeLeftMs(): number {
    return timeLeft(this.deadlineMs);
  }
}
