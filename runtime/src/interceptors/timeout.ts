/** `timeout`: no call takes longer than this, whatever deadline it came with. */
import type { Call, Interceptor } from "../contract.js";
import { describe, misuse } from "../error.js";

/** Milliseconds for a call; undefined or `Infinity` leaves it as it is. */
export type TimeoutOf = (call: Call) => number | undefined;

/**
 * Caps the time of calls: a deadline that is earlier stays.
 *
 * On a client the deadline travels to the server. On a server the handler sees the earlier deadline (`deadline`,
 * `timeLeftMs()`, and so calls made with it as `parent`), and its caller gets DEADLINE_EXCEEDED at that time whatever
 * the handler does; then `signal` aborts.
 *
 * @param limit milliseconds, or a function that says how many for a call
 * @throws RpcError INVALID_ARGUMENT, when it is made, for a number that is not positive
 */
export function timeout(limit: number | TimeoutOf): Interceptor {
  const limitOf: TimeoutOf = typeof limit === "function" ? limit : () => limit;
  if (typeof limit !== "function") checkLimit(limit);
  return (next) => (call) => {
    const limitMs = limitOf(call);
    if (limitMs !== undefined && checkLimit(limitMs) < call.timeLeftMs()) {
      call.deadline = new Date(Date.now() + limitMs);
    }
    return next(call);
  };
}

function checkLimit(limitMs: unknown): number {
  if (typeof limitMs === "number" && limitMs > 0) return limitMs;
  throw misuse(`timeout(): a positive number of milliseconds is wanted, not ${describe(limitMs)}`);
}
