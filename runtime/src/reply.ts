import { RpcError } from "./error.js";
import { Metadata } from "./metadata.js";
import { Code, type Status } from "./status.js";
import { type Step, steppedMessages } from "./stepped-messages.js";

/** Tells a reply of any copy of this package from other objects. */
const tag = "trunkline.Reply";

/** What an answer made by an interceptor carries besides messages. */
export interface ReplyInit {
  readonly headers?: Metadata | undefined;
  readonly trailers?: Metadata | undefined;
}

/**
 * A call on its way out, on either side: what an interceptor gets from `next(call)` and gives back.
 *
 * Everything is lazy: what nobody looks at is never made. `message` is the way to read one response, `messages` to
 * read a stream; either may be used for either, once. `status` never rejects.
 */
export abstract class Reply<Res = unknown> {
  get [Symbol.toStringTag](): string {
    return tag;
  }

  /** The response's headers; empty where the call ended without any. */
  abstract readonly headers: Promise<Metadata>;
  /** The one response; rejects with an {@link RpcError} for any status but OK. */
  abstract readonly message: Promise<Res>;
  /** The responses; throws an {@link RpcError} for any status but OK. Leaving it early cancels the call. */
  abstract readonly messages: AsyncIterable<Res>;
  /** How the call ended, trailers included. */
  abstract readonly status: Promise<Status>;

  /**
   * Whether there is one response, so that to read it takes nothing from whoever reads it too.
   * @internal
   */
  get hasOneResponse(): boolean | Promise<boolean> {
    return false;
  }

  /** Answers with one message. */
  static of<Res>(message: Res | Promise<Res>, init?: ReplyInit): Reply<Res> {
    return new SingleReply(Promise.resolve(message), init);
  }

  /** Answers with a stream of messages. */
  static stream<Res>(messages: AsyncIterable<Res>, init?: ReplyInit): Reply<Res> {
    return new StreamReply(messages, () => Promise.resolve(okStatus(init?.trailers)), init?.headers);
  }

  /** Fails the call: an {@link RpcError} as it is; at a server, anything else stays inside and goes to `onError`. */
  static fail(error: unknown): Reply<never> {
    const failure = Promise.reject(error);
    failure.catch(() => {}); // Seen by whoever reads the reply; until then it is nobody's.
    return new SingleReply<never>(failure, undefined);
  }

  /**
   * The same reply with each message changed on its way.
   *
   * @param change whoever knows the method may name the type of its messages: `map((reply: HelloReply) => …)`
   */
  map<Message extends Res = Res>(change: (message: Message) => Message | Promise<Message>): Reply<Res> {
    return this.transform(async function* (messages: AsyncIterable<Message>) {
      for await (const message of messages) yield await change(message);
    });
  }

  /** The same reply with its messages passed through a generator, which may drop, add and reorder them. */
  transform<Message extends Res = Res>(
    change: (messages: AsyncIterable<Message>) => AsyncIterable<Message>,
  ): Reply<Res> {
    const { messages } = this;
    return new StreamReply<Res>(
      change(messages as AsyncIterable<Message>),
      () => this.status,
      () => this.headers,
      // A generator that is left before its first step does not get to leave what it was made of.
      () => leave(messages),
      () => this.hasOneResponse,
    );
  }
}

export function isReply(value: unknown): value is Reply {
  return typeof value === "object" && value !== null && (value as Reply)[Symbol.toStringTag] === tag;
}

export function okStatus(trailers: Metadata | undefined): Status {
  return { code: Code.OK, details: "", metadata: trailers ?? new Metadata() };
}

class SingleReply<Res> extends Reply<Res> {
  readonly message: Promise<Res>;
  readonly #init: ReplyInit | undefined;

  constructor(message: Promise<Res>, init: ReplyInit | undefined) {
    super();
    this.message = message;
    this.#init = init;
  }

  override get hasOneResponse(): boolean {
    return true;
  }

  get headers(): Promise<Metadata> {
    return Promise.resolve(this.#init?.headers ?? new Metadata());
  }

  get messages(): AsyncIterable<Res> {
    const message = this.message;
    return (async function* () {
      yield await message;
    })();
  }

  get status(): Promise<Status> {
    return this.message.then(
      () => okStatus(this.#init?.trailers),
      (error) => RpcError.from(error).toStatus(),
    );
  }
}

class StreamReply<Res> extends Reply<Res> {
  readonly #source: AsyncIterable<Res>;
  readonly #sourceStatus: () => Promise<Status>;
  readonly #headers: Metadata | (() => Promise<Metadata>) | undefined;
  readonly #onLeft: (() => void) | undefined;
  readonly #hasOneResponse: () => boolean | Promise<boolean>;
  #message: Promise<Res> | undefined;
  #status: Promise<Status> | undefined;
  #settle: ((status: Status | Promise<Status>) => void) | undefined;
  #ended: Status | Promise<Status> | undefined;

  constructor(
    source: AsyncIterable<Res>,
    sourceStatus: () => Promise<Status>,
    headers: Metadata | (() => Promise<Metadata>) | undefined,
    onLeft?: () => void,
    hasOneResponse: () => boolean | Promise<boolean> = () => false,
  ) {
    super();
    this.#onLeft = onLeft;
    this.#hasOneResponse = hasOneResponse;
    this.#source = source;
    this.#sourceStatus = sourceStatus;
    this.#headers = headers;
  }

  get headers(): Promise<Metadata> {
    if (typeof this.#headers !== "function") return Promise.resolve(this.#headers ?? new Metadata());
    // Whoever finds no headers reads nothing else.
    return this.#headers().catch((error) => {
      this.#end(RpcError.from(error).toStatus());
      throw error;
    });
  }

  override get hasOneResponse(): boolean | Promise<boolean> {
    return this.#hasOneResponse();
  }

  get message(): Promise<Res> {
    this.#message ??= single(this.#read());
    return this.#message;
  }

  get messages(): AsyncIterable<Res> {
    return this.#message === undefined ? this.#read() : Reply.of(this.#message).messages;
  }

  #read(): AsyncIterable<Res> {
    const step: Step<Res> = async (next) => {
      try {
        const result = await next();
        if (result.done === true) this.#end(this.#sourceStatus());
        return result;
      } catch (error) {
        this.#end(RpcError.from(error).toStatus());
        throw error;
      }
    };
    return steppedMessages(this.#source, step, () => {
      this.#end(new RpcError(Code.CANCELLED, "the response stream was left early").toStatus());
      this.#onLeft?.();
    });
  }

  get status(): Promise<Status> {
    this.#status ??= new Promise((resolve) => {
      if (this.#ended === undefined) this.#settle = resolve;
      else resolve(this.#ended);
    });
    if (this.#ended === undefined) void this.#readOne();
    return this.#status;
  }

  /** A stream ends when it has been read; one response can be read ahead for whoever asks how it ended. */
  async #readOne(): Promise<void> {
    if (await this.hasOneResponse) await this.message.catch(() => {});
  }

  #end(status: Status | Promise<Status>): void {
    this.#ended = status;
    this.#settle?.(status);
  }
}

/** A reply that an async interceptor has yet to give. */
export class DeferredReply<Res> extends Reply<Res> {
  /** The reply, once it is there. */
  readonly resolved: Promise<Reply<Res>>;

  constructor(reply: Promise<Reply<Res>>) {
    super();
    this.resolved = reply;
    reply.catch(() => {}); // Reported through whatever part of the reply is read.
  }

  override get hasOneResponse(): Promise<boolean> {
    return this.resolved.then(
      (reply) => reply.hasOneResponse,
      () => false,
    );
  }

  get headers(): Promise<Metadata> {
    return this.resolved.then((reply) => reply.headers);
  }

  get message(): Promise<Res> {
    return this.resolved.then((reply) => reply.message);
  }

  get messages(): AsyncIterable<Res> {
    const reply = this.resolved;
    return {
      [Symbol.asyncIterator]() {
        const source = reply.then(({ messages }) => messages[Symbol.asyncIterator]());
        source.catch(() => {}); // Seen by whoever takes a message.
        return {
          next: async () => (await source).next(),
          // Whoever leaves does not wait for an interceptor that has yet to answer.
          async return() {
            source.then((iterator) => iterator.return?.()).catch(() => {});
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  get status(): Promise<Status> {
    return this.resolved.then(
      (reply) => reply.status,
      (error) => RpcError.from(error).toStatus(),
    );
  }
}

function leave(messages: AsyncIterable<unknown>): void {
  Promise.resolve(messages[Symbol.asyncIterator]().return?.()).catch(() => {});
}

/** The one message of a stream that must have exactly one (statuscodes document: cardinality violation). */
async function single<Res>(messages: AsyncIterable<Res>): Promise<Res> {
  let found: { message: Res } | undefined;
  for await (const message of messages) {
    if (found !== undefined) throw new RpcError(Code.UNIMPLEMENTED, "more than one response to a call that has one");
    found = { message };
  }
  if (found === undefined) throw new RpcError(Code.UNIMPLEMENTED, "no response to a call that has one");
  return found.message;
}
