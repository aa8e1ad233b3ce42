/** `clientAuth`: a token on every call. `serverAuth`: who calls, typed. */
import { type CallContext, createContextKey } from "../context.js";
import type { Call, Interceptor, ServerCall } from "../contract.js";
import type { CallCredentials } from "../credentials.js";
import { describe, misuse, RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";

const header = "authorization";

// ── Client ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Why a token is wanted. */
export interface TokenRequest {
  /** The last token, where a server has refused it; undefined where there was none yet. */
  readonly refused: string | undefined;
}

export interface ClientAuthOptions {
  /** A token that does not change: it is not refreshed. */
  readonly token?: string | undefined;
  /** Makes a token: for the first call, and once for each that a server refuses. It is kept in between. */
  readonly getToken?: ((request: TokenRequest) => string | Promise<string>) | undefined;
  /** What stands before the token. Default `Bearer`; empty for the token alone. */
  readonly scheme?: string | undefined;
}

/** Options of a dial: `dial(target, { credentials: tls(), ...clientAuth({ getToken }) })`. */
export interface ClientAuth {
  readonly callCredentials: CallCredentials;
  /** Outside of other interceptors where you have some: `interceptors: [...auth.interceptors, log]`. */
  readonly interceptors: readonly Interceptor[];
}

/**
 * Puts a token into `authorization`, as call credentials do: never in plaintext.
 *
 * Where a server answers UNAUTHENTICATED, the token is made anew, once for all calls that it was refused for, and the
 * call is tried once more. That is for methods with one request, and while nothing of the response has come; a call
 * that streams requests fails, and the next one has the new token.
 *
 * @throws RpcError INVALID_ARGUMENT, when it is made, for options that say no token, or two
 */
export function clientAuth(options: ClientAuthOptions): ClientAuth {
  const tokens = new Tokens(options);
  return {
    callCredentials: async () => ({ [header]: await tokens.header() }),
    interceptors: [
      (next) => async (call) => {
        if (call.side === "server") throw misuse("clientAuth() is for clients; a server has serverAuth()");
        const { kind } = call.method;
        if (kind === "unary") return tryUnary(next(call), tokens, call, () => next(call));
        if (kind === "serverStream") return tryStream(next(call), tokens, call, () => next(call));
        const reply = next(call);
        // Not to be tried again: its requests are gone. But the next call shall not fail for the same reason.
        void reply.status.then((status) => isRefusal(status) && tokens.renew(call.metadata).catch(() => {}));
        return reply;
      },
    ],
  };
}

async function tryUnary(reply: Reply, tokens: Tokens, call: Call, again: () => Reply): Promise<Reply> {
  const { message } = reply;
  try {
    await message;
  } catch (error) {
    if (isRefusal(error) && (await tokens.renew(call.metadata))) return again();
  }
  return new ReadReply(reply, message, undefined);
}

/** A refusal comes instead of the first message, so that one is waited for. */
async function tryStream(reply: Reply, tokens: Tokens, call: Call, again: () => Reply): Promise<Reply> {
  const iterator = reply.messages[Symbol.asyncIterator]();
  const first = iterator.next();
  try {
    await first;
  } catch (error) {
    if (isRefusal(error) && (await reply.headers).size === 0 && (await tokens.renew(call.metadata))) return again();
  }
  return new ReadReply(reply, undefined, { first, iterator });
}

function isRefusal(outcome: unknown): boolean {
  return (outcome as { readonly code?: unknown } | undefined)?.code === Code.UNAUTHENTICATED;
}

class Tokens {
  readonly #make: ClientAuthOptions["getToken"];
  readonly #prefix: string;
  /** The value of the header, or its making, which all calls that wait for it share. */
  #current: Promise<string> | undefined;
  /** The value that was refused last: calls that were sent with it are refused after it has been replaced. */
  #refused: string | undefined;

  constructor({ token, getToken, scheme = "Bearer" }: ClientAuthOptions) {
    if ((token === undefined) === (getToken === undefined)) {
      throw misuse("clientAuth(): give either token or getToken");
    }
    if (getToken !== undefined && typeof getToken !== "function") {
      throw misuse(`clientAuth(): getToken must be a function, not ${describe(getToken)}`);
    }
    this.#prefix = scheme === "" ? "" : `${scheme} `;
    this.#make = getToken;
    if (token !== undefined) this.#current = Promise.resolve(this.#toHeader("token", token));
  }

  header(): Promise<string> {
    this.#current ??= this.#fetch();
    return this.#current;
  }

  /** Whether it is worth trying again a call that was refused with this metadata. Rejects where no token can be made. */
  async renew(metadata: Metadata): Promise<boolean> {
    const used = metadata.get(header);
    if (used === undefined || this.#make === undefined) return false;
    const known = this.header();
    if (used === (await known)) {
      this.#refused = used;
      // Whoever comes first renews; the others find another promise in its place.
      if (this.#current === known) this.#current = this.#fetch();
      await this.header();
      return true;
    }
    // Renewed since; or else it is not ours, and another attempt would not change it.
    return used === this.#refused;
  }

  #fetch(): Promise<string> {
    const made = this.#ask();
    // What failed is forgotten, so that the next call asks again.
    made.catch(() => {
      if (this.#current === made) this.#current = undefined;
    });
    return made;
  }

  async #ask(): Promise<string> {
    try {
      const refused = this.#refused?.slice(this.#prefix.length);
      return this.#toHeader("getToken", await this.#make!({ refused }));
    } catch (thrown) {
      if (thrown instanceof RpcError) throw thrown;
      const details = `getToken of clientAuth() failed: ${RpcError.from(thrown).details}`;
      throw new RpcError(Code.UNAUTHENTICATED, details, { cause: thrown });
    }
  }

  #toHeader(option: string, token: unknown): string {
    // What it is instead stays unsaid: it may be half of a secret.
    if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return this.#prefix + token;
    throw misuse(`clientAuth(): ${option} must give printable text without spaces`);
  }
}

interface Started {
  readonly first: Promise<IteratorResult<unknown>>;
  readonly iterator: AsyncIterator<unknown>;
}

/** A reply of which a part has been read, for whoever reads it next. */
class ReadReply extends Reply {
  readonly #reply: Reply;
  readonly #message: Promise<unknown> | undefined;
  readonly #started: Started | undefined;

  constructor(reply: Reply, message: Promise<unknown> | undefined, started: Started | undefined) {
    super();
    this.#reply = reply;
    this.#message = message;
    this.#started = started;
    message?.catch(() => {}); // For whoever reads it; it may be that only the status is read.
  }

  override get hasOneResponse(): boolean {
    return this.#message !== undefined;
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers;
  }

  get message(): Promise<unknown> {
    return this.#message ?? Reply.stream(this.messages).message;
  }

  get messages(): AsyncIterable<unknown> {
    return this.#started === undefined ? Reply.of(this.message).messages : resume(this.#started);
  }

  get status(): Promise<Status> {
    return this.#reply.status;
  }
}

function resume({ first, iterator }: Started): AsyncIterable<unknown> {
  let next: Promise<IteratorResult<unknown>> | undefined = first;
  const resumed: AsyncIterableIterator<unknown> = {
    next() {
      const result = next ?? iterator.next();
      next = undefined;
      return result;
    },
    return: async (value) => (await iterator.return?.(value)) ?? { done: true, value },
    [Symbol.asyncIterator]: () => resumed,
  };
  return resumed;
}

// ── Server ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Tells who calls; throws, or finds nobody, where the call is not to be let in. */
export type CheckCall<Identity> = (call: ServerCall) => Found<Identity> | Promise<Found<Identity>>;

type Found<Identity> = Identity | undefined | null;

/** An interceptor of a server, and the way to what it found out. */
export interface ServerAuth<Identity> extends Interceptor {
  /**
   * Who makes this call, for handlers and for inner interceptors; of a client's call, who makes the call that is its
   * `parent`.
   *
   * @throws RpcError UNAUTHENTICATED for a call that this interceptor did not let in
   */
  identityOf(call: { readonly context: CallContext }): Identity;
}

/**
 * At a server: asks `check` who makes each call, before anything inside of it runs.
 *
 * What `check` throws ends the call: an {@link RpcError} as it is (PERMISSION_DENIED, UNAVAILABLE), anything else, and
 * an identity of undefined or null, as UNAUTHENTICATED with a text that does not say why. For methods that need nobody,
 * see `except`.
 */
export function serverAuth<Identity>(check: CheckCall<Identity>): ServerAuth<Identity> {
  if (typeof check !== "function") {
    throw misuse(`serverAuth(): check must be a function, not ${describe(check)}`);
  }
  const key = createContextKey<{ readonly identity: Identity }>("identity");
  const interceptor: Interceptor = (next) => async (call) => {
    const { server } = call;
    if (server === undefined) {
      throw new RpcError(Code.FAILED_PRECONDITION, "serverAuth() is for servers; a client has clientAuth()");
    }
    server.context.set(key, { identity: await admit(check, server) });
    return next(call);
  };
  return Object.assign(interceptor, {
    identityOf(call: { readonly context: CallContext }): Identity {
      const found = call.context.get(key);
      if (found !== undefined) return found.identity;
      throw new RpcError(Code.UNAUTHENTICATED, "the call is not behind this serverAuth(): nobody knows who makes it");
    },
  });
}

async function admit<Identity>(check: CheckCall<Identity>, call: ServerCall): Promise<Identity> {
  let cause: unknown;
  try {
    const identity = await check(call);
    if (identity !== undefined && identity !== null) return identity;
  } catch (thrown) {
    if (thrown instanceof RpcError) throw thrown;
    cause = thrown;
  }
  throw new RpcError(Code.UNAUTHENTICATED, "the credentials of the call were not accepted", { cause });
}

/**
 * The token of a call's `authorization`, without the scheme (in any case); undefined where there is none of that
 * scheme.
 */
export function tokenOf(call: { readonly metadata: Metadata }, scheme = "Bearer"): string | undefined {
  const value = call.metadata.get(header);
  if (value === undefined || value.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase()) return undefined;
  const rest = value.slice(scheme.length);
  return scheme === "" ? rest : /^ +(\S.*)$/.exec(rest)?.[1];
}
