/** @packageDocumentation Stops calling what keeps failing, and tries again after a while. */
import { type Clock, systemClock } from "../clock.js";
import type { Call, Interceptor } from "../contract.js";
import { RpcError } from "../error.js";
import { callHook } from "../hook.js";
import { KeyedStates } from "../keyed-states.js";
import { checkNumber } from "../number-option.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { watchCall } from "../watched-call.js";

/**
 * `closed`: calls go through, and are counted. `open`: calls are refused. `halfOpen`: a few calls go through to see
 * whether it works again, all others are refused.
 */
export type CircuitState = "closed" | "open" | "halfOpen";

/** A circuit has changed its state. */
export interface CircuitEvent {
  readonly key: string;
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** Of the window, when it opened: calls that ended, and how many of them failed. */
  readonly calls: number;
  readonly failures: number;
  /** What failed last; undefined when it closes. */
  readonly cause: RpcError | undefined;
}

export interface CircuitBreakerOptions {
  /** Opens when this share of the calls in the window has failed: above 0, at most 1. Default 0.5. */
  readonly failureRatio?: number | undefined;
  /** Never opens with fewer calls in the window. Default 20. */
  readonly minCalls?: number | undefined;
  /** Milliseconds that are looked back on. Default 10 000. */
  readonly windowMs?: number | undefined;
  /** Milliseconds that it stays open before calls are tried again. Default 5000. */
  readonly openMs?: number | undefined;
  /**
   * Calls that are tried at a time when half open, and that must all go well for it to close. Default 1. Where nothing
   * has been heard of them for `openMs`, one more is tried.
   */
  readonly trialCalls?: number | undefined;
  /**
   * Statuses that are failures: of the other end, not of the caller. Default UNKNOWN, DEADLINE_EXCEEDED, INTERNAL,
   * UNAVAILABLE and DATA_LOSS. CANCELLED, unless it is listed, counts neither way; any other status is a success.
   */
  readonly codes?: readonly Code[] | undefined;
  /** Calls with equal keys share a circuit; a call without one goes through. Default: a circuit for each method. */
  readonly key?: ((call: Call) => string | undefined) | undefined;
  /**
   * Circuits that are kept, at least 1; default 1000. The least recently used makes room once it has nothing to tell: no
   * call for `windowMs`, after `openMs` where it was open. Until then all keys that find no room share one circuit.
   */
  readonly maxKeys?: number | undefined;
  /** Told of every change of a state. What it throws is printed to stderr. */
  readonly onChange?: ((event: CircuitEvent) => void) | undefined;
  /** @internal */
  readonly clock?: Clock | undefined;
}

/** An interceptor that tells the states of its circuits. */
export interface CircuitBreaker extends Interceptor {
  /** By key; a key that has had no calls, or none for long, may be absent and is closed. */
  states(): ReadonlyMap<string, CircuitState>;
}

/**
 * Fails calls at once with UNAVAILABLE, the last failure as `cause`, while too many of those before them have failed.
 *
 * Put it outside of retries that a caller makes by hand, so that one call counts once. A response stream that has brought
 * a message is a success for a half-open circuit, which would else wait for the end of a stream that may have none.
 *
 * @throws RpcError INVALID_ARGUMENT for an option out of its range; it names the option
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const settings: Settings = {
    failureRatio: checkNumber("failureRatio", options.failureRatio ?? 0.5, { above: 0, atMost: 1 }),
    minCalls: checkNumber("minCalls", options.minCalls ?? 20, { atLeast: 1, whole: true }),
    windowMs: checkNumber("windowMs", options.windowMs ?? 10_000, { above: 0 }),
    openMs: checkNumber("openMs", options.openMs ?? 5000, { above: 0 }),
    trialCalls: checkNumber("trialCalls", options.trialCalls ?? 1, { atLeast: 1, whole: true }),
    codes: new Set(options.codes ?? failureCodes),
    onChange: options.onChange ?? (() => {}),
    clock: options.clock ?? systemClock,
  };
  const keyOf = options.key ?? ((call: Call) => call.method.path);
  const circuits = new KeyedStates<Circuit>(
    checkNumber("maxKeys", options.maxKeys ?? 1000, { atLeast: 1, whole: true }),
    (key) => new Circuit(key, settings),
    (circuit) => circuit.hasNothingToTell(),
  );
  const interceptor: Interceptor = (next) => (call) => {
    const key = keyOf(call);
    if (key === undefined) return next(call);
    const result = circuits.of(key).enter();
    if (result instanceof RpcError) return Reply.fail(result);
    const { trial, succeeded, ended } = result;
    if (!trial) return watchCall(call, next, { ended });
    return watchCall(call, next, { [call.side === "client" ? "received" : "sent"]: succeeded, ended });
  };
  const states = () => new Map([...circuits].map(([key, circuit]) => [key, circuit.state]));
  return Object.assign(interceptor, { states });
}

const failureCodes: readonly Code[] = [
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
];

interface Settings {
  readonly failureRatio: number;
  readonly minCalls: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly trialCalls: number;
  readonly codes: ReadonlySet<Code>;
  readonly onChange: (event: CircuitEvent) => void;
  readonly clock: Clock;
}

/** What becomes of a call that was let through. */
interface Passage {
  /** What the call does decides whether a half-open circuit closes. */
  readonly trial: boolean;
  readonly succeeded: () => void;
  readonly ended: (status: Status) => void;
}

class Circuit {
  readonly #key: string;
  readonly #settings: Settings;
  readonly #window: RollingWindow;
  #state: CircuitState = "closed";
  /** Counts the changes of state: what ends after one says nothing of the state that follows. */
  #era = 0;
  /** When it opened; when half open: when the last trial began. */
  #since = 0;
  /** When half open: calls on trial, those that went well included. */
  #trials = 0;
  #passed = 0;
  #cause: RpcError | undefined;

  constructor(key: string, settings: Settings) {
    this.#key = key;
    this.#settings = settings;
    this.#window = new RollingWindow(settings.windowMs, settings.clock);
  }

  get state(): CircuitState {
    return this.#state;
  }

  hasNothingToTell(): boolean {
    const { clock, openMs, windowMs } = this.#settings;
    if (this.#state === "closed") return this.#window.counts().calls === 0;
    // Nobody asks for it: it would stay as it is for ever.
    return clock.now() > this.#since + openMs + windowMs;
  }

  enter(): Passage | RpcError {
    const { clock, openMs, trialCalls } = this.#settings;
    const leftMs = this.#since + openMs - clock.now();
    if (this.#state === "open") {
      if (leftMs > 0) return this.#refusal(`is open for ${Math.ceil(leftMs)} ms more`);
      this.#change("halfOpen");
    }
    if (this.#state === "halfOpen") {
      const waits = this.#trials >= trialCalls && leftMs > 0;
      if (waits) return this.#refusal("is half open and waits for the calls that try it");
      this.#trials++;
      this.#since = clock.now();
    }
    return this.#passage(this.#era, this.#state === "halfOpen");
  }

  #passage(era: number, trial: boolean): Passage {
    let settled = false;
    const settle = (outcome: RpcError | "success" | "neither") => {
      if (settled || era !== this.#era) return;
      settled = true;
      if (trial) this.#settleTrial(outcome);
      else if (outcome !== "neither") this.#count(outcome);
    };
    const ended = ({ code, details, metadata, cause }: Status) => {
      if (this.#settings.codes.has(code)) settle(new RpcError(code, details, { metadata, cause }));
      else settle(code === Code.CANCELLED ? "neither" : "success");
    };
    return { trial, succeeded: () => settle("success"), ended };
  }

  #count(outcome: RpcError | "success"): void {
    const failed = outcome !== "success";
    this.#window.add(failed);
    if (!failed) return;
    this.#cause = outcome;
    const { calls, failures } = this.#window.counts();
    if (calls >= this.#settings.minCalls && failures >= calls * this.#settings.failureRatio) this.#change("open");
  }

  #settleTrial(outcome: RpcError | "success" | "neither"): void {
    if (outcome === "neither") {
      this.#trials--;
    } else if (outcome === "success") {
      this.#passed++;
      if (this.#passed >= this.#settings.trialCalls) this.#change("closed");
    } else {
      this.#cause = outcome;
      this.#change("open");
    }
  }

  #change(to: CircuitState): void {
    const from = this.#state;
    this.#state = to;
    this.#era++;
    this.#trials = 0;
    this.#passed = 0;
    if (to === "open") this.#since = this.#settings.clock.now();
    if (to === "closed") this.#cause = undefined;
    const counts = this.#window.counts();
    if (to !== "halfOpen") this.#window.clear();
    const event: CircuitEvent = { key: this.#key, from, to, ...counts, cause: this.#cause };
    callHook("circuitBreaker(): onChange", () => this.#settings.onChange(event));
  }

  #refusal(why: string): RpcError {
    const cause = this.#cause;
    const last = cause === undefined ? "" : `; the last failure was ${cause.message}`;
    return new RpcError(Code.UNAVAILABLE, `the circuit breaker of ${this.#key} ${why}${last}`, { cause });
  }
}

const slicesPerWindow = 10;

/** Counts calls by the time at which they ended, in slices: a slice is forgotten as a whole. */
class RollingWindow {
  readonly #sliceMs: number;
  readonly #clock: Clock;
  #slices: { readonly number: number; calls: number; failures: number }[] = [];

  constructor(windowMs: number, clock: Clock) {
    this.#sliceMs = windowMs / slicesPerWindow;
    this.#clock = clock;
  }

  add(failed: boolean): void {
    const number = this.#now();
    let slice = this.#slices.at(-1);
    if (slice?.number !== number) {
      slice = { number, calls: 0, failures: 0 };
      this.#forget(number);
      this.#slices.push(slice);
    }
    slice.calls++;
    if (failed) slice.failures++;
  }

  counts(): { readonly calls: number; readonly failures: number } {
    this.#forget(this.#now());
    let calls = 0;
    let failures = 0;
    for (const slice of this.#slices) {
      calls += slice.calls;
      failures += slice.failures;
    }
    return { calls, failures };
  }

  clear(): void {
    this.#slices = [];
  }

  #now(): number {
    return Math.floor(this.#clock.now() / this.#sliceMs);
  }

  #forget(now: number): void {
    const oldest = now - slicesPerWindow;
    if ((this.#slices[0]?.number ?? now) > oldest) return;
    this.#slices = this.#slices.filter(({ number }) => number > oldest);
  }
}
