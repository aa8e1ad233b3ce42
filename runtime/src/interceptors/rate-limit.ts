/** @packageDocumentation Lets only so many calls through in a time: a token bucket for each key, on either side. */
import { onAbort } from "../abort.js";
import { type Clock, systemClock } from "../clock.js";
import type { Call, Interceptor } from "../contract.js";
import { RpcError } from "../error.js";
import { KeyedStates } from "../keyed-states.js";
import { Metadata } from "../metadata.js";
import { checkNumber } from "../number-option.js";
import { Reply } from "../reply.js";
import { Code } from "../status.js";

export interface RateLimitOptions {
  /** Calls per second that go through in the long run: what the bucket of a key gains. Above 0, at most 10⁹; may be a fraction. */
  readonly perSecond: number;
  /** Calls that may go through at once: what the bucket of a key holds. At least 1; default `perSecond`, or 1. */
  readonly burst?: number | undefined;
  /**
   * Calls with equal keys share a bucket: {@link perMethod}, {@link perPeer}, or a tenant out of the metadata. A call
   * without a key (undefined) is not limited. Default: one bucket for all calls.
   */
  readonly key?: ((call: Call) => string | undefined) | undefined;
  /**
   * Buckets that are kept, at least 1; default 10 000. A full bucket is forgotten to make room, which changes nothing
   * for its key; while none is full, all keys that find no room share one bucket.
   */
  readonly maxKeys?: number | undefined;
  /**
   * Milliseconds that a client's call may wait for its turn before it is refused; default 0. A call that would wait
   * longer, or past its deadline, is refused at once. A server never waits: what it holds back it would have to keep.
   */
  readonly maxWaitMs?: number | undefined;
  /** @internal */
  readonly clock?: Clock | undefined;
}

/**
 * Refuses calls beyond a rate with RESOURCE_EXHAUSTED. The error's trailers say in `grpc-retry-pushback-ms` (gRFC A6)
 * when the next call would go through, which clients with a retry policy follow.
 *
 * @throws RpcError INVALID_ARGUMENT for an option out of its range; it names the option
 */
export function rateLimit(options: RateLimitOptions): Interceptor {
  const perSecond = checkNumber("perSecond", options.perSecond, { above: 0, atMost: 1e9 });
  const burst = checkNumber("burst", options.burst ?? Math.max(1, perSecond), { atLeast: 1, atMost: 1e9 });
  const maxKeys = checkNumber("maxKeys", options.maxKeys ?? 10_000, { atLeast: 1, whole: true });
  const maxWaitMs = checkNumber("maxWaitMs", options.maxWaitMs ?? 0, { atLeast: 0 });
  const { key: keyOf = () => "", clock = systemClock } = options;
  const buckets = new KeyedStates<TokenBucket>(
    maxKeys,
    () => new TokenBucket(perSecond / 1000, burst, clock),
    (bucket) => bucket.isFull(),
  );

  return (next) => (call) => {
    const key = keyOf(call);
    if (key === undefined) return next(call);
    const bucket = buckets.of(key);
    const waitMs = bucket.waitMs();
    if (waitMs > 0 && (call.side === "server" || waitMs > Math.min(maxWaitMs, call.timeLeftMs()))) {
      return Reply.fail(refusal(call, perSecond, waitMs));
    }
    bucket.take();
    if (waitMs === 0) return next(call);
    return turn(call, waitMs, bucket, clock).then(() => next(call));
  };
}

/** A key of {@link RateLimitOptions}: each method has a bucket of its own. */
export function perMethod(call: Call): string {
  return call.method.path;
}

/**
 * A key of {@link RateLimitOptions}: each peer of a server has a bucket of its own, whichever of its ports it calls from.
 * Behind a proxy all callers have the proxy's address. On a client, all calls share a bucket.
 */
export function perPeer(call: Call): string {
  return (call.server?.peer.address ?? "").replace(/:\d+$/, "");
}

/** Gains tokens with time, up to what it holds. Below zero, its tokens are promised to calls that wait for them. */
class TokenBucket {
  readonly #perMs: number;
  readonly #size: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(perMs: number, size: number, clock: Clock) {
    this.#perMs = perMs;
    this.#size = size;
    this.#clock = clock;
    this.#tokens = size;
    this.#filledAt = clock.now();
  }

  isFull(): boolean {
    return this.#fill() >= this.#size;
  }

  /** Milliseconds until there is a token that nobody waits for. */
  waitMs(): number {
    // A token that is short of one by a rounding error is one.
    return Math.max(0, (1 - 1e-9 - this.#fill()) / this.#perMs);
  }

  take(): void {
    this.#tokens -= 1;
  }

  giveBack(): void {
    this.#tokens += 1;
  }

  #fill(): number {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#size, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    return this.#tokens;
  }
}

/** Resolves when it is the call's turn; a call that is cancelled gives its token back. */
function turn({ signal }: Call, waitMs: number, bucket: TokenBucket, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = () => {
      stopTimer();
      bucket.giveBack();
      const cause = signal?.reason;
      reject(new RpcError(Code.CANCELLED, "the call was cancelled while it waited for its turn", { cause }));
    };
    const stopTimer = clock.after(waitMs, () => {
      stopWatching?.();
      resolve();
    });
    const stopWatching = signal === undefined ? undefined : onAbort(signal, cancel);
    if (signal?.aborted) cancel();
  });
}

function refusal(call: Call, perSecond: number, waitMs: number): RpcError {
  const metadata = new Metadata({ "grpc-retry-pushback-ms": String(Math.ceil(waitMs)) });
  const details = `more than ${perSecond} calls per second; the next goes through in ${Math.ceil(waitMs)} ms`;
  return new RpcError(Code.RESOURCE_EXHAUSTED, details, { metadata, method: call.method.path });
}
