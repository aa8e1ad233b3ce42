/** `requestId`: one id for everything that is done on behalf of one request. */
import { randomUUID } from "node:crypto";
import { type CallContext, createContextKey } from "../context.js";
import type { Interceptor } from "../contract.js";
import { describe, misuse } from "../error.js";

export interface RequestIdOptions {
  /** The metadata key that carries the id. Default `x-request-id`. */
  readonly header?: string | undefined;
  /** Makes an id where there is none. Default: a random UUID. */
  readonly make?: (() => string) | undefined;
  /**
   * Whether an id that came with a call may be used. Default: 1 to 128 printable characters without a space; anyone
   * can send one, and it ends up in logs.
   */
  readonly accept?: ((id: string) => boolean) | undefined;
  /** At a server: sends the id back with the trailers. Default false. */
  readonly echo?: boolean | undefined;
}

const key = createContextKey<string>("request id");

/**
 * At a server: takes the id that came with the call, or makes one. At a client: sends the id that the caller set, or
 * the one of the call's `parent`, or a new one. The same function serves both.
 *
 * @throws RpcError INVALID_ARGUMENT, when it is made, for a header that cannot carry text
 */
export function requestId(options: RequestIdOptions = {}): Interceptor {
  const { header = "x-request-id", make = randomUUID, accept = isPlain, echo = false } = options;
  if (typeof header !== "string" || !/^[0-9a-z_.-]+$/i.test(header) || /^grpc-|-bin$/i.test(header)) {
    throw misuse(`requestId(): header ${describe(header)} cannot carry an id`);
  }
  return (next) => (call) => {
    const given = call.metadata.get(header);
    const usable = given !== undefined && accept(given);
    const { server } = call;
    // At a client, the context knows what the parent's does.
    const id = usable ? given : (call.context.get(key) ?? make());
    call.metadata.set(header, id); // Alone: of several that came, only the first was looked at.
    call.context.set(key, id);
    if (echo) server?.trailers.set(header, id);
    return next(call);
  };
}

/** The id of a call, for handlers and for inner interceptors; undefined where `requestId()` did not see it. */
export function requestIdOf(call: { readonly context: CallContext }): string | undefined {
  return call.context.get(key);
}

function isPlain(id: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(id);
}
