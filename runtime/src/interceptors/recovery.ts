/** `recovery`: what a server answers when something inside it breaks. */
import type { Interceptor, ServerCall } from "../contract.js";
import { isMisuse, RpcError } from "../error.js";
import { callHook } from "../hook.js";
import type { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { steppedMessages } from "../stepped-messages.js";

export interface RecoveryOptions {
  /**
   * Told of everything thrown that was not meant as an answer: by the handler, by an interceptor inside this one, but
   * not of the AbortError of work that stopped with the call. The server's `onError` does not hear of it again. What it
   * throws itself is printed to stderr. Default: everything is printed there.
   */
  readonly report?: ((thrown: unknown, call: ServerCall) => void) | undefined;
  /** What the caller gets. Default: INTERNAL with a text that tells nothing of the server. */
  readonly answer?: ((thrown: unknown, call: ServerCall) => RpcError) | undefined;
}

/**
 * At a server: makes an answer of every exception that is none: anything but an {@link RpcError}, and one that says that
 * this package is used wrongly. Put it outside of what may throw and inside of logging and metrics, so that they see the
 * code that the caller sees.
 */
export function recovery(options: RecoveryOptions = {}): Interceptor {
  return (next) => (call) => {
    const { server } = call;
    if (server === undefined) return next(call);
    const single = call.method.kind === "unary" || call.method.kind === "clientStream";
    return new RecoveredReply(next(call), single, recoverOnce(options, server));
  };
}

/** The headers, the message and the status of a reply may all fail for the same reason: it is reported once. */
function recoverOnce({ report, answer }: RecoveryOptions, call: ServerCall): (thrown: unknown) => RpcError {
  let last: { readonly thrown: unknown; readonly error: RpcError } | undefined;
  return (thrown) => {
    if (thrown instanceof RpcError && thrown.code !== Code.OK && !isMisuse(thrown)) return thrown;
    if (isAbort(thrown) && call.signal.aborted) return RpcError.from(call.signal.reason);
    if (last !== undefined && last.thrown === thrown) return last.error;
    const error = answerTo(thrown, answer, call);
    last = { thrown, error };
    if (report === undefined) console.error(`${call.method.path} failed:`, thrown);
    else callHook(`recovery() of ${call.method.path}: report`, () => report(thrown, call));
    return error;
  };
}

function answerTo(thrown: unknown, answer: RecoveryOptions["answer"], call: ServerCall): RpcError {
  const error = callHook(`recovery() of ${call.method.path}: answer`, () => answer?.(thrown, call));
  if (error instanceof RpcError) return error;
  return new RpcError(Code.INTERNAL, "the server failed to handle the call", { cause: thrown });
}

/** What the platform's functions throw when the call's signal aborts: the handler did as its caller asked. */
function isAbort(thrown: unknown): boolean {
  return (thrown as { readonly name?: unknown } | undefined)?.name === "AbortError";
}

class RecoveredReply<Res> extends Reply<Res> {
  readonly #reply: Reply<Res>;
  readonly #single: boolean;
  readonly #recover: (thrown: unknown) => RpcError;
  #message: Promise<Res> | undefined;
  #stream: Reply<Res> | undefined;
  #failed: RpcError | undefined;
  #fail: ((status: Status) => void) | undefined;
  #status: Promise<Status> | undefined;

  constructor(reply: Reply<Res>, single: boolean, recover: (thrown: unknown) => RpcError) {
    super();
    this.#reply = reply;
    this.#single = single;
    this.#recover = recover;
  }

  override get hasOneResponse(): boolean {
    return this.#single;
  }

  get headers(): Promise<Metadata> {
    return this.#reply.headers.catch((thrown) => {
      this.#failed = this.#recover(thrown);
      this.#fail?.(this.#failed.toStatus());
      throw this.#failed;
    });
  }

  get message(): Promise<Res> {
    if (!this.#single) return this.#streamed.message;
    this.#message ??= this.#reply.message.catch(this.#rethrow);
    return this.#message;
  }

  get messages(): AsyncIterable<Res> {
    return this.#single ? Reply.of(this.message).messages : this.#streamed.messages;
  }

  /** Of what the reader gets, not of the reply inside: its status would have the code of what was thrown. */
  get status(): Promise<Status> {
    // Whoever finds no headers does not go on to read the stream, which would have ended the status.
    if (this.#failed !== undefined) return Promise.resolve(this.#failed.toStatus());
    if (!this.#single) {
      this.#status ??= new Promise((resolve) => {
        this.#fail = resolve;
        void this.#streamed.status.then(resolve);
      });
      return this.#status;
    }
    return this.message.then(
      () => this.#reply.status,
      (error) => RpcError.from(error).toStatus(),
    );
  }

  get #streamed(): Reply<Res> {
    this.#stream ??= this.#reply.transform((messages) =>
      steppedMessages(messages, (next) => next().catch(this.#rethrow)),
    );
    return this.#stream;
  }

  readonly #rethrow = (thrown: unknown): never => {
    throw this.#recover(thrown);
  };
}
