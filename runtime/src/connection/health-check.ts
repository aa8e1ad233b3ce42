import type { CallHandle, CallSink, CallSpec, State } from "../contract.js";
import { longestTimerMs, noDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthDesc,
  HealthCheckResponse_ServingStatus as Wire,
} from "../health/generated.js";
import { Code, codeName, type Status } from "../status.js";
import type { ConnectionSettings } from "./settings.js";

/** What a health check needs to know of its connection. */
export type HealthCheckSettings = Pick<ConnectionSettings, "backoff" | "connectTimeoutMs"> & {
  readonly serviceName: string;
};

/** Starts a call on the connection; throws where it takes none. */
export type StartCall = <I, O>(spec: CallSpec<I, O>, sink: CallSink<O>) => CallHandle<I>;

/** Whether a peer takes calls (READY), does not, or has yet to say so. */
export type Verdict = Extract<State, "CONNECTING" | "READY" | "TRANSIENT_FAILURE">;

/** Told of what is found out, and in words. */
export type OnVerdict = (verdict: Verdict, reason: string) => void;

/** By which an attempt is later than the one before, and its jitter: the gRPC Connection Backoff document. */
const backoffFactor = 1.6;
const backoffJitter = 0.2;

/** Watches the health of a peer over one connection of it, as gRFC A17 has it, from `start` to `stop`. */
export class HealthCheck {
  readonly #settings: HealthCheckSettings;
  readonly #startCall: StartCall;
  readonly #onVerdict: OnVerdict;
  readonly #of: string;
  /** That which counts; others are over, or will be. */
  #attempt: Attempt | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  /** Attempts in a row that brought no answer. */
  #failures = 0;
  /** Calls that have ended of which the connection has yet to tell. */
  #ended = 0;

  constructor(settings: HealthCheckSettings, startCall: StartCall, onVerdict: OnVerdict) {
    this.#settings = settings;
    this.#startCall = startCall;
    this.#onVerdict = onVerdict;
    this.#of = settings.serviceName === "" ? "the server" : settings.serviceName;
  }

  /** The connection is there. Without effect where it has been before. */
  start(): void {
    if (this.#attempt === undefined) this.#begin();
  }

  /** The connection is gone, or takes no more calls. */
  stop(): void {
    clearTimeout(this.#retryTimer);
    this.#attempt?.cancel(Code.CANCELLED, "the connection takes no more calls");
    this.#attempt = undefined;
    this.#failures = 0;
  }

  /** Whether a call that has ended was of this check: whoever counts calls does not count it. */
  tookEnd(): boolean {
    if (this.#ended === 0) return false;
    this.#ended--;
    return true;
  }

  #begin(): void {
    const attempt = new Attempt(this.#settings, this.#startCall, {
      onAnswer: (status) => {
        if (attempt === this.#attempt) this.#onAnswer(status);
      },
      onEnd: (status) => {
        this.#ended++;
        this.#afterEnd(attempt, status);
      },
    });
    this.#attempt = attempt;
    this.#onVerdict("CONNECTING", `the server has not said yet whether ${this.#of} is serving`);
    try {
      attempt.start();
    } catch (error) {
      this.#afterEnd(attempt, RpcError.from(error));
    }
  }

  #onAnswer(status: HealthCheckResponse["status"]): void {
    this.#failures = 0;
    const name = Object.entries(Wire).find(([, number]) => number === status)?.[0] ?? `status ${status}`;
    const verdict = status === Wire.SERVING ? "READY" : "TRANSIENT_FAILURE";
    this.#onVerdict(verdict, `the server's health service says ${name} of ${this.#of}`);
  }

  /** Two turns later: what has ended the call may have ended the connection, which is told in the next. */
  #afterEnd(attempt: Attempt, status: Pick<Status, "code" | "details">): void {
    const tell = () => {
      if (attempt === this.#attempt) this.#onEnd(attempt, status);
    };
    setImmediate(() => setImmediate(tell));
  }

  #onEnd(attempt: Attempt, { code, details }: Pick<Status, "code" | "details">): void {
    const why = `${codeName(code)}${details && `: ${details}`}`;
    if (code === Code.UNIMPLEMENTED) {
      this.#onVerdict("READY", `the server cannot tell whether ${this.#of} is serving, so it is taken to be: ${why}`);
      return;
    }
    // Counted from the beginning of an attempt, as those to connect are: after a long one the next may begin at once,
    // and a server that answers and ends each one is not asked without pause.
    const { initialMs, maxMs } = this.#settings.backoff;
    const jitter = 1 + backoffJitter * (2 * Math.random() - 1);
    const backoffMs = Math.min(initialMs * backoffFactor ** this.#failures, maxMs) * jitter;
    if (!attempt.answered) this.#failures++;
    const waitMs = attempt.beganAt + backoffMs - performance.now();
    if (waitMs <= 0) {
      this.#begin();
      return;
    }
    const reason = `the health check of ${this.#of} ended, and is tried again in ${Math.ceil(waitMs)} ms: ${why}`;
    this.#onVerdict("TRANSIENT_FAILURE", reason);
    this.#retryTimer = setTimeout(() => this.#begin(), Math.min(waitMs, longestTimerMs)).unref();
  }
}

/** One call of `Watch`. */
class Attempt implements CallSink<HealthCheckResponse> {
  readonly beganAt: number = performance.now();
  answered = false;
  readonly #settings: HealthCheckSettings;
  readonly #startCall: StartCall;
  readonly #listener: AttemptListener;
  #call: CallHandle<HealthCheckRequest> | undefined;
  #answerTimer: NodeJS.Timeout | undefined;

  constructor(settings: HealthCheckSettings, startCall: StartCall, listener: AttemptListener) {
    this.#settings = settings;
    this.#startCall = startCall;
    this.#listener = listener;
  }

  start(): void {
    const { serviceName, connectTimeoutMs } = this.#settings;
    const method = HealthDesc.methods.watch;
    const only: HealthCheckRequest = { service: serviceName };
    const plain = { deadline: noDeadline, waitForReady: false, attempt: 0, background: true };
    this.#call = this.#startCall<HealthCheckRequest, HealthCheckResponse>({ method, only, ...plain }, this);
    this.#call.read(1);
    const tooLate = () =>
      this.cancel(Code.DEADLINE_EXCEEDED, `no answer for ${connectTimeoutMs} ms (connectTimeoutMs)`);
    this.#answerTimer = setTimeout(tooLate, Math.min(connectTimeoutMs, longestTimerMs)).unref();
  }

  cancel(code: Code, details: string): void {
    clearTimeout(this.#answerTimer);
    this.#call?.cancel(code, details);
  }

  onHeaders(): void {}

  onMessage({ status }: HealthCheckResponse): void {
    clearTimeout(this.#answerTimer);
    this.answered = true;
    this.#call?.read(1);
    this.#listener.onAnswer(status);
  }

  onWritable(): void {}

  onEnd(status: Status): void {
    clearTimeout(this.#answerTimer);
    this.#listener.onEnd(status);
  }
}

interface AttemptListener {
  onAnswer(status: HealthCheckResponse["status"]): void;
  onEnd(status: Status): void;
}
