/** `recovery`: what a server answers when something inside it breaks. */
import type { Interceptor, ServerCall } from "../contract.js";
import { RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import { Code, type Status } from "../status.js";
import { steppedMessages } from "../stepped-messages.js";

export interface RecoveryOptions {
  /**
   * Told of everything thrown that was not meant as an answer: by the handler, by an interceptor inside this one. The
   * server's `onError` does not hear of it again.
   */
  readonly report?: ((thrown: unknown, call: ServerCall) => void) | undefined;
  /** What the caller gets. Default: INTERNAL with a text that tells nothing of the server. */
  readonly answer?: ((thrown: unknown, call: ServerCall) => RpcError) | undefined;
}

/**
 * At a server: makes an answer of every exception that is none (anything but an {@link RpcError}). Put it outside of
 * what may throw and inside of logging and metrics, so that they see the code that the caller sees.
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
    if (thrown instanceof RpcError) return thrown;
    if (last !== undefined && last.thrown === thrown) return last.error;
    const error = answerTo(thrown, answer, call);
    last = { thrown, error };
    if (report === undefined) console.error(`${call.method.path} failed:`, thrown);
    else attempt(() => report(thrown, call), call);
    return error;
  };
}

function answerTo(thrown: unknown, answer: RecoveryOptions["answer"], call: ServerCall): RpcError {
  const error = attempt(() => answer?.(thrown, call), call);
  if (error instanceof RpcError) return error;
  return new RpcError(Code.INTERNAL, "the server failed to handle the call", { cause: thrown });
}

/** A hook that throws must not take the answer with it. */
function attempt<T>(hook: () => T, call: ServerCall): T | undefined {
  try {
    return hook();
  } catch (error) {
    console.error(`recovery() of ${call.method.path}: a hook threw`, error);
    return undefined;
  }
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
