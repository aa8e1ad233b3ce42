import { Metadata, type MetadataInit, type MetadataValue, pairsOf } from "./metadata.js";
import { Code, codeName, type Status, toCode } from "./status.js";
import {
  checkStatusDetails,
  readStatusDetails,
  type StatusDetail,
  type StatusDetails,
  writeStatusDetails,
} from "./status-details.js";

const brand = Symbol.for("trunkline.RpcError");

/** What is known of a failure beyond its code and its text. */
export interface RpcErrorInit {
  /** Trailers. */
  readonly metadata?: MetadataInit | undefined;
  /**
   * Typed details, each made with `statusDetail(codec, message)`; those of another error (`error.statusDetails`) may be
   * given too. Default: those that `metadata` carries in `grpc-status-details-bin`, if any; an empty list leaves those out.
   */
  readonly statusDetails?: Iterable<StatusDetail> | undefined;
  /** What led to this error. It stays in this process: a peer never sees it. */
  readonly cause?: unknown;
  /** `/package.Service/Method` */
  readonly method?: string | undefined;
  readonly peer?: string | undefined;
  /** How many times the call was tried. */
  readonly attempts?: number | undefined;
  readonly elapsedMs?: number | undefined;
}

/**
 * Every failure of a call, of a dial and of a server, on either side.
 *
 * A handler throws one to answer with its code; a caller gets one for any status but OK. `instanceof` holds across
 * two copies of this package.
 */
export class RpcError extends Error {
  override readonly name: string = "RpcError";
  readonly code: Code;
  /** The status text, without the code's name. */
  readonly details: string;
  /** How many times the call was tried; 0 where it never left. */
  readonly attempts: number;
  /** Milliseconds from the start of the call to its end. */
  readonly elapsedMs: number | undefined;
  /** `/package.Service/Method` of the failed call. */
  readonly method: string | undefined;
  /** The address of the other end, where there was a connection. */
  readonly peer: string | undefined;
  #metadata: Metadata | undefined;
  /** Those that this error was made with; in an error that was received they are in its trailers. */
  readonly #givenDetails: StatusDetails | undefined;
  #statusDetails: StatusDetails | undefined;

  /**
   * @param details the status text, for people; any text may be sent
   * @throws RpcError INTERNAL for `statusDetails` that are no list of details
   */
  constructor(code: Code, details: string, init: RpcErrorInit = {}) {
    super(`${codeName(code)}: ${details}`, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.details = typeof details === "string" ? details : describe(details);
    this.attempts = init.attempts ?? 0;
    this.elapsedMs = init.elapsedMs;
    this.method = init.method;
    this.peer = init.peer;
    this.#metadata = init.metadata === undefined ? undefined : Metadata.from(init.metadata);
    if (init.statusDetails !== undefined) this.#givenDetails = checkStatusDetails(init.statusDetails);
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * Trailers: what the other end sent along, or what a handler wants sent.
   *
   * Those that were received are whole, with `grpc-status-details-bin` as it came; `statusDetails` reads it. Details that
   * an error is made with are not in here: they are put into the trailers when it is sent, instead of any that are.
   */
  get metadata(): Metadata {
    this.#metadata ??= new Metadata();
    return this.#metadata;
  }

  /**
   * Typed details: `find(codec)` gives the first of a type, iterating gives all, raw. Empty where there are none, and
   * where the peer sent bytes that cannot be read as a `google.rpc.Status`, or one with another code than this error's:
   * code and text are not touched by that, and the bytes are in `metadata` under `grpc-status-details-bin`.
   */
  get statusDetails(): StatusDetails {
    this.#statusDetails ??= this.#givenDetails ?? readStatusDetails(this.#metadata, this.code);
    return this.#statusDetails;
  }

  /**
   * Whether the same call may do better later: for UNAVAILABLE, of which the statuscodes document says so, and where
   * the server says so itself with a detail `google.rpc.RetryInfo`, whatever the code. It says nothing of whether the
   * call was processed: a call that changes something is safe to repeat only if its method is idempotent.
   */
  get isRetryable(): boolean {
    return this.code === Code.UNAVAILABLE || this.statusDetails.has("google.rpc.RetryInfo");
  }

  /**
   * Makes an RpcError of anything thrown. One stays what it is; what looks like an error of grpc-js, or is a `Status`,
   * keeps its code, text, metadata and details; an abort becomes CANCELLED; all else is UNKNOWN, with the original as
   * `cause`.
   */
  static from(thrown: unknown): RpcError {
    if (thrown instanceof RpcError) return thrown;
    // By its looks, not by its class: it may be of another realm (a worker, a vm, a test runner).
    const { name, message, code, details, metadata } = Object(thrown) as Partial<Record<string, unknown>>;
    if (typeof code === "number" && typeof details === "string") {
      return new RpcError(toCode(code), details, { cause: thrown, metadata: metadataOf(metadata) });
    }
    const text = typeof message === "string" ? message : describe(thrown);
    return new RpcError(name === "AbortError" ? Code.CANCELLED : Code.UNKNOWN, text, { cause: thrown });
  }

  /** The status that this error stands for; its trailers carry the details as they are sent. */
  toStatus(): Status {
    const { code, details, cause } = this;
    return { code, details, metadata: writeStatusDetails(this.metadata, code, details, this.#givenDetails), cause };
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}

const misuseBrand = Symbol.for("trunkline.misuse");

/**
 * What this package throws at a program that uses it wrongly: an INVALID_ARGUMENT that says what, where and what to do.
 * It is for whoever wrote that program: out of a handler it is no answer to a caller, but a fault like any exception.
 */
export function misuse(details: string, cause?: unknown): RpcError {
  const error = new RpcError(Code.INVALID_ARGUMENT, details, { cause });
  return Object.defineProperty(error, misuseBrand, { value: true });
}

export function isMisuse(error: object): boolean {
  return misuseBrand in error;
}

/** Metadata of grpc-js tells its values by key in `toJSON()`. */
function metadataOf(theirs: unknown): Metadata | undefined {
  if (theirs instanceof Metadata) return theirs;
  const { toJSON } = Object(theirs) as { toJSON?: () => Record<string, MetadataValue[]> };
  if (typeof toJSON !== "function") return undefined;
  return Metadata.received({ pairs: () => pairsOf(toJSON.call(theirs)) });
}

/** A value in a few words, for a text that a person reads. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}…` : value);
  if (value === null || typeof value !== "object") return String(value);
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `an instance of ${name}`;
}
