/** `logging`: one line for each call, at its end. */
import type { Call, Interceptor, MessageSource } from "../contract.js";
import { describe, RpcError } from "../error.js";
import type { Metadata } from "../metadata.js";
import { Reply } from "../reply.js";
import { Code, codeName, type Status } from "../status.js";
import { type Step, steppedMessages } from "../stepped-messages.js";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What lines are given to: pino, and what is called like it. */
export type Logger = { readonly [Level in LogLevel]: (fields: object, message: string) => void };

/** What a line says besides its text. */
export interface CallRecord {
  readonly side: "client" | "server";
  /** `package.Service` */
  readonly service: string;
  readonly method: string;
  readonly kind: string;
  /** `OK`, `NOT_FOUND`, … */
  readonly code: string;
  /** The status text of a failed call. */
  readonly details?: string;
  readonly durationMs: number;
  /** The address of the other end; at a client only of calls that failed once they had one. */
  readonly peer?: string;
  /** Of kinds that stream requests: how many went by. */
  readonly requests?: number;
  /** Of kinds that stream responses: how many went by. */
  readonly responses?: number;
  /** What made the call fail on this side. */
  readonly err?: unknown;
  /** With `payloads`: the request, or the first of a stream. */
  readonly request?: unknown;
  /** With `payloads`: the response, or the first of a stream. */
  readonly response?: unknown;
}

export interface LoggingOptions {
  readonly logger: Logger;
  /**
   * The level of each code; `false` writes no line. Default: `info` for OK and for what callers do wrong, `warn` for
   * what may go away, `error` for what someone has to repair.
   */
  readonly levels?: { readonly [Name in keyof typeof Code]?: LogLevel | false | undefined } | undefined;
  /** Writes messages too, or those of some calls. Default false: they may hold anything. */
  readonly payloads?: boolean | ((call: Call) => boolean) | undefined;
  /** Fields whose values are not to be written: `password`, `user.token`, `items.*.secret`; `*` is any name or index. */
  readonly redact?: readonly string[] | undefined;
  /** How many messages of a stream `payloads` keeps until its end. Default 10. */
  readonly maxMessages?: number | undefined;
}

const defaultLevels: { readonly [Name in keyof typeof Code]: LogLevel } = {
  OK: "info",
  CANCELLED: "info",
  UNKNOWN: "error",
  INVALID_ARGUMENT: "info",
  DEADLINE_EXCEEDED: "warn",
  NOT_FOUND: "info",
  ALREADY_EXISTS: "info",
  PERMISSION_DENIED: "warn",
  RESOURCE_EXHAUSTED: "warn",
  FAILED_PRECONDITION: "warn",
  ABORTED: "warn",
  OUT_OF_RANGE: "warn",
  UNIMPLEMENTED: "error",
  INTERNAL: "error",
  UNAVAILABLE: "warn",
  DATA_LOSS: "error",
  UNAUTHENTICATED: "info",
};

/**
 * Writes one line at the end of each call, on either side; fields in {@link CallRecord}. A logger that throws harms no
 * call: that is printed to stderr.
 *
 * @throws RpcError INVALID_ARGUMENT, when it is made, for a logger or a level that cannot be used
 */
export function logging(options: LoggingOptions): Interceptor {
  const { logger, payloads = false, redact = [], maxMessages = 10 } = options;
  const levels = options.levels ?? {};
  for (const level of ["debug", "info", "warn", "error", ...Object.values(levels)]) {
    if (level === false || level === undefined || typeof logger?.[level as LogLevel] === "function") continue;
    throw new RpcError(Code.INVALID_ARGUMENT, `logging(): the logger has no method ${describe(level)}`);
  }
  const paths = redact.map((path) => path.split("."));
  return (next) => (call) => {
    const withPayloads = typeof payloads === "function" ? payloads(call) : payloads;
    const keep = withPayloads ? (message: unknown) => printable(message, paths) : undefined;
    const journal = new Journal(call, keep, maxMessages);
    const write = (status: Status) => {
      const name = codeName(status.code) as keyof typeof Code;
      const level = levels[name] ?? defaultLevels[name];
      if (level === false) return;
      try {
        logger[level](journal.record(status), `${call.method.path} ended with ${name}`);
      } catch (error) {
        console.error("logging(): the logger threw", error);
      }
    };
    const reply = new LoggedReply(next(call), journal);
    journal.whenEnded(reply.ended, write);
    return reply;
  };
}

/** What is noted of a call while it goes on. */
class Journal {
  readonly #call: Call;
  readonly #startedAt: number = performance.now();
  readonly #keep: ((message: unknown) => unknown) | undefined;
  readonly #maxMessages: number;
  readonly #streamsRequests: boolean;
  readonly streamsResponses: boolean;
  readonly #requestPayloads: unknown[] = [];
  readonly #responsePayloads: unknown[] = [];
  #requests = 0;
  #responses = 0;
  #failure: unknown;

  constructor(call: Call, keep: ((message: unknown) => unknown) | undefined, maxMessages: number) {
    this.#call = call;
    this.#keep = keep;
    this.#maxMessages = maxMessages;
    const { kind } = call.method;
    this.#streamsRequests = kind === "clientStream" || kind === "bidiStream";
    this.streamsResponses = kind === "serverStream" || kind === "bidiStream";
    if (call.requests !== undefined) call.requests = this.#counted(call.requests);
    else if (keep !== undefined && !this.#streamsRequests) this.#requestPayloads.push(keep(call.request));
  }

  readonly onResponse = (message: unknown): void => {
    this.#responses++;
    this.#note(this.#responsePayloads, this.streamsResponses ? this.#maxMessages : 1, message);
  };

  readonly onFailure = (thrown: unknown): void => {
    this.#failure ??= thrown;
  };

  /** At a server a call may be over while its handler still works: then its signal aborts first. */
  whenEnded(status: Promise<Status>, write: (status: Status) => void): void {
    let written = false;
    const once = (end: Status) => {
      signal?.removeEventListener("abort", onAbort);
      if (!written) write(end);
      written = true;
    };
    const signal = this.#call.server?.signal;
    // The signal tells what the caller heard; what the handler threw says more.
    const onAbort = () => once(RpcError.from(this.#failure ?? signal?.reason).toStatus());
    signal?.addEventListener("abort", onAbort);
    void status.then(once);
  }

  record(status: Status): CallRecord {
    const { side, method, server } = this.#call;
    const [, service = "", name = ""] = method.path.split("/");
    const failed = status.code !== Code.OK;
    const peer = server?.peer.address ?? (this.#failure as Partial<RpcError> | undefined)?.peer;
    return {
      side,
      service,
      method: name,
      kind: method.kind,
      code: codeName(status.code),
      ...(failed ? { details: status.details } : {}),
      durationMs: Math.round((performance.now() - this.#startedAt) * 1000) / 1000,
      ...(peer === undefined ? {} : { peer }),
      ...(this.#streamsRequests ? { requests: this.#requests } : {}),
      ...(this.streamsResponses ? { responses: this.#responses } : {}),
      ...(failed && status.cause !== undefined ? { err: status.cause } : {}),
      ...(this.#keep === undefined ? {} : this.#payloads()),
    };
  }

  #payloads(): { request: unknown; response: unknown } {
    const of = (streams: boolean, messages: unknown[]) => (streams ? messages : messages[0]);
    return {
      request: of(this.#streamsRequests, this.#requestPayloads),
      response: of(this.streamsResponses, this.#responsePayloads),
    };
  }

  #note(payloads: unknown[], most: number, message: unknown): void {
    if (this.#keep !== undefined && payloads.length < most) payloads.push(this.#keep(message));
  }

  #counted(requests: MessageSource<unknown>): AsyncIterable<unknown> {
    return steppedMessages(requests, async (next) => {
      const result = await next();
      if (result.done !== true) {
        this.#requests++;
        this.#note(this.#requestPayloads, this.#maxMessages, result.value);
      }
      return result;
    });
  }
}

/** The reply as it is; messages that somebody reads are noted on their way. */
class LoggedReply extends Reply {
  /** How the call ended, once what was read of it has been noted. */
  readonly ended: Promise<Status>;
  readonly #reply: Reply;
  readonly #journal: Journal;
  /** The one response. */
  readonly #message: Promise<unknown> | undefined;
  /** While somebody reads a stream: resolves when he stops. */
  #reading: Promise<void> | undefined;

  constructor(reply: Reply, journal: Journal) {
    super();
    this.#reply = reply;
    this.#journal = journal;
    if (journal.streamsResponses) {
      // What has come may be read later than the status: it is waited for, so that it is counted.
      this.ended = reply.status.then((status) => (this.#reading ?? Promise.resolve()).then(() => status));
    } else {
      this.#message = reply.message;
      this.ended = this.#message.then(journal.onResponse, journal.onFailure).then(() => reply.status);
    }
  }

  get headers(): Promise<Metadata> {
    const { headers } = this.#reply;
    headers.catch(this.#journal.onFailure);
    return headers;
  }

  get message(): Promise<unknown> {
    return this.#message ?? Reply.stream(this.messages).message;
  }

  get messages(): AsyncIterable<unknown> {
    return this.#message === undefined ? this.#noted(this.#reply.messages) : Reply.of(this.#message).messages;
  }

  get status(): Promise<Status> {
    return this.#reply.status;
  }

  #noted(messages: AsyncIterable<unknown>): AsyncIterable<unknown> {
    let stop: (() => void) | undefined;
    const step: Step<unknown> = async (next) => {
      this.#reading ??= new Promise((resolve) => {
        stop = resolve;
      });
      try {
        const result = await next();
        if (result.done === true) stop?.();
        else this.#journal.onResponse(result.value);
        return result;
      } catch (error) {
        this.#journal.onFailure(error);
        stop?.();
        throw error;
      }
    };
    return steppedMessages(messages, step, () => stop?.());
  }
}

const redacted = "[redacted]";

/** A copy that any logger can write: without what is to be left out, and with nothing that JSON lacks. */
function printable(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.some((path) => path.length === 0)) return redacted;
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const inside = (name: string) =>
    paths.filter(([first]) => first === name || first === "*").map((path) => path.slice(1));
  if (Array.isArray(value)) return value.map((item, i) => printable(item, inside(String(i))));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([name, item]) => [String(name), printable(item, inside(String(name)))]));
}
