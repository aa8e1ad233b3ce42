import { CallContext } from "../context.js";
import type { Call, CallOptions, MessageSource, MethodDesc } from "../contract.js";
import { fromEpochMs, noDeadline, timeLeft, toDate } from "../deadline.js";
import { Metadata } from "../metadata.js";

/** A call as a client's interceptors see it; made only where there are any. */
export class OutgoingCall implements Call {
  readonly side = "client";
  readonly method: MethodDesc;
  readonly metadata: Metadata;
  readonly signal: AbortSignal | undefined;
  readonly options: CallOptions | undefined;
  request: unknown;
  requests: MessageSource<unknown> | undefined;
  /** Monotonic ms. */
  deadlineMs: number;
  #context: CallContext | undefined;

  constructor(
    method: MethodDesc,
    request: unknown,
    requests: MessageSource<unknown> | undefined,
    deadline: number,
    options: CallOptions | undefined,
  ) {
    this.method = method;
    this.request = request;
    this.requests = requests;
    this.deadlineMs = deadline;
    this.options = options;
    this.signal = options?.signal;
    this.metadata = options?.metadata === undefined ? new Metadata() : new Metadata(options.metadata);
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
    this.deadlineMs = deadline === undefined ? noDeadline : fromEpochMs(deadline.getTime());
  }

  timeLeftMs(): number {
    return timeLeft(this.deadlineMs);
  }
}
