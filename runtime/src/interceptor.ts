import type { Call, Interceptor, Next } from "./contract.js";
import { describe, misuse, RpcError } from "./error.js";
import { DeferredReply, isReply, Reply } from "./reply.js";
import { Code } from "./status.js";
import { isThenable } from "./thenable.js";
import { TimeLimit } from "./time-limit.js";

/** Makes one interceptor of many; the first is the outermost. */
export function chain(...interceptors: readonly Interceptor[]): Interceptor {
  return (next) => compose(interceptors, next);
}

/**
 * Puts interceptors round `last`, the first outermost. Whatever one of them does wrong becomes a failed reply of that
 * call: it may throw, at once or later, and it may return something that is not a reply.
 */
export function compose(interceptors: readonly Interceptor[], last: Next): Next {
  if (!Array.isArray(interceptors)) throw misuse(`interceptors: must be a list of them, not ${describe(interceptors)}`);
  return interceptors.reduceRight<Next>((next, interceptor) => guard(interceptor, next), last);
}

function guard(interceptor: Interceptor, next: Next): Next {
  if (typeof interceptor !== "function") {
    throw misuse(`interceptors: an interceptor is a function, (next) => (call) => …, not ${describe(interceptor)}`);
  }
  const intercept = interceptor(next);
  if (typeof intercept !== "function") {
    throw misuse(
      `${nameOf(interceptor)} must be (next) => (call) => …: it returned ${describe(intercept)} instead of a function`,
    );
  }
  const checked = (reply: unknown): Reply => {
    if (isReply(reply)) return reply;
    throw new RpcError(
      Code.INTERNAL,
      `${nameOf(interceptor)} returned ${describe(reply)}; return next(call) or a Reply`,
    );
  };
  return (call: Call) => {
    try {
      const reply = intercept(call);
      if (isThenable(reply)) return deferred(Promise.resolve(reply).then(checked), call);
      return checked(reply);
    } catch (error) {
      return Reply.fail(error);
    }
  };
}

/**
 * The reply of an async interceptor. A call keeps its deadline and its signal while that waits for something else, so that
 * whatever stands outside of it hears of the end too.
 */
function deferred(reply: Promise<Reply>, call: Call): Reply {
  const limit = TimeLimit.of(call);
  if (limit === undefined) return new DeferredReply(reply);
  return new DeferredReply(limit.inTime(reply).finally(limit.stop));
}

function nameOf(interceptor: Interceptor): string {
  return interceptor.name === "" ? "an interceptor" : `interceptor ${interceptor.name}`;
}
