import { Metadata, type MetadataValue, pairsOf } from "./metadata.js";
import { Code, codeName, type Status, toCode } from "./status.js";

const brand = Symbol.for("trunkline.RpcError");

/** What is known of a failure beyond its code and its text. */
export interface RpcErrorInit {
  /** Trailers. */
  readonly metadata?: Metadata | undefined;
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

  constructor(code: Code, details: string, init: RpcErrorInit = {}) {
    super(`${codeName(code)}: ${details}`, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.details = details;
    this.attempts = init.attempts ?? 0;
    this.elapsedMs = init.elapsedMs;
    this.method = init.method;
    this.peer = init.peer;
    this.#metadata = init.metadata;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Trailers: what the other end sent along, or what a handler wants sent. */
  get metadata(): Metadata {
    this.#metadata ??= new Metadata();
    return this.#metadata;
  }

  /**
   * Makes an RpcError of anything thrown. One stays what it is; what looks like an error of grpc-js keeps its code,
   * text and metadata; an abort becomes CANCELLED; all else is UNKNOWN, with the original as `cause`.
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

  /** The status that this error stands for. */
  toStatus(): Status {
    return { code: this.code, details: this.details, metadata: this.metadata, cause: this.cause };
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** Metadata of grpc-js tells its values by key in `toJSON()`. */
function metadataOf(theirs: unknown): Metadata | undefined {
  if (theirs instanceof Metadata) return theirs;
  const { toJSON } = Object(theirs) as { toJSON?: () => Record<string, MetadataValue[]> };
  if (typeof toJSON !== "function") return undefined;
  return Metadata.received(() => pairsOf(toJSON.call(theirs)));
}

/** A value in a few words, for a text that a person reads. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}…` : value);
  if (value === null || typeof value !== "object") return String(value);
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `an instance of ${name}`;
}
