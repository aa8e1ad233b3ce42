/** `logging`: one line for each call, at its end. */
import type { Call, Interceptor } from "../contract.js";
import { describe, misuse, type RpcError } from "../error.js";
import { callHook } from "../hook.js";
import { Code, codeName, type Status } from "../status.js";
import { watchCall } from "../watched-call.js";

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
    throw misuse(`logging(): the logger has no method ${describe(level)}`);
  }
  const paths = redact.map((path) => path.split("."));
  const print = (message: unknown) => printable(message, paths);
  return (next) => (call) => {
    const startedAt = performance.now();
    const { kind, path } = call.method;
    const withPayloads = typeof payloads === "function" ? payloads(call) : payloads;
    const requests = new Messages(kind === "clientStream" || kind === "bidiStream", withPayloads, maxMessages, print);
    const responses = new Messages(kind === "serverStream" || kind === "bidiStream", withPayloads, maxMessages, print);
    let written = false;
    const write = (status: Status, thrown?: unknown) => {
      if (written) return;
      written = true;
      const name = codeName(status.code) as CodeName;
      // A handler may make up a code.
      const level = levels[name] ?? defaultLevels[name] ?? "error";
      if (level === false) return;
      const counts = { ...requests.fields("requests", "request"), ...responses.fields("responses", "response") };
      const record: CallRecord = { ...recordOf(call, startedAt, status, thrown), ...counts };
      callHook("logging(): the logger", () => logger[level](record, `${path} ended with ${name}`));
    };
    const [sent, received] = call.side === "client" ? [requests.note, responses.note] : [responses.note, requests.note];
    const reply = watchCall(call, next, { sent, received, ended: write });
    // A call may be over while its handler still works.
    call.server?.onEnd(write);
    return reply;
  };
}

type CodeName = keyof typeof Code;

function recordOf({ side, method, server }: Call, startedAt: number, status: Status, thrown: unknown): CallRecord {
  const [, service = "", name = ""] = method.path.split("/");
  const failed = status.code !== Code.OK;
  const peer = server?.peer.address ?? (thrown as Partial<RpcError> | undefined)?.peer;
  return {
    side,
    service,
    method: name,
    kind: method.kind,
    code: codeName(status.code),
    ...(failed ? { details: status.details } : {}),
    durationMs: Math.round((performance.now() - startedAt) * 1000) / 1000,
    ...(peer === undefined ? {} : { peer }),
    ...(failed && status.cause !== undefined ? { err: status.cause } : {}),
  };
}

/** The messages of one direction, as they go by. */
class Messages {
  readonly #streams: boolean;
  readonly #most: number;
  readonly #print: (message: unknown) => unknown;
  readonly #printed: unknown[] = [];
  readonly #withPayloads: boolean;
  #count = 0;

  constructor(streams: boolean, withPayloads: boolean, most: number, print: (message: unknown) => unknown) {
    this.#streams = streams;
    this.#withPayloads = withPayloads;
    this.#most = streams ? most : 1;
    this.#print = print;
  }

  readonly note = (message: unknown): void => {
    this.#count++;
    if (this.#withPayloads && this.#printed.length < this.#most) this.#printed.push(this.#print(message));
  };

  fields(count: "requests" | "responses", payload: "request" | "response"): Partial<CallRecord> {
    return {
      ...(this.#streams ? { [count]: this.#count } : {}),
      ...(this.#withPayloads ? { [payload]: this.#streams ? this.#printed : this.#printed[0] } : {}),
    };
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
