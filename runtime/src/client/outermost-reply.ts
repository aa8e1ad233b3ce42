import { atDeadline, noDeadline } from "../deadline.js";
import { RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { DeferredReply, Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { steppedMessages } from "../stepped-messages.js";
import { ClientCall } from "./client-call.js";

/**
 * Makes of what the outermost interceptor returned what the caller may rely on: every failure is an RpcError, and the
 * call keeps its deadline and its signal even while an async interceptor waits for something else.
 */
export function outermostReply(reply: Reply, deadline: number, signal: AbortSignal | undefined): Reply {
  if (reply instanceof ClientCall) return reply;
  return new CheckedReply(reply instanceof DeferredReply ? limit(reply, deadline, signal) : reply);
}

class CheckedReply extends Reply {
  readonly #reply: Reply;

  constructor(reply: Reply) {
    super();
    this.#reply = reply;
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers;
  }

  get message(): Promise<unknown> {
    return this.#reply.message.catch(rethrow);
  }

  get messages(): AsyncIterable<unknown> {
    return steppedMessages(this.#reply.messages, (next) => next().catch(rethrow));
  }

  get status(): Promise<Status> {
    return this.#reply.status;
  }
}

function rethrow(error: unknown): never {
  throw RpcError.from(error);
}

/** Once the interceptors have called on, the call on the wire keeps deadline and signal itself. */
function limit(reply: DeferredReply<unknown>, deadline: number, signal: AbortSignal | undefined): Reply {
  if (signal === undefined && deadline === noDeadline) return reply;
  return new DeferredReply(
    new Promise((resolve, reject) => {
      const stop = (code: Code, details: string, cause?: unknown) => reject(new RpcError(code, details, { cause }));
      const onAbort = () => stop(Code.CANCELLED, "the call was cancelled by its caller", signal?.reason);
      const onTime = () => stop(Code.DEADLINE_EXCEEDED, "the deadline passed inside an interceptor");
      const stopTimer = atDeadline(deadline, onTime);
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      reply.resolved.then(resolve, reject).finally(() => {
        stopTimer();
        signal?.removeEventListener("abort", onAbort);
      });
    }),
  );
}
