import type { Metadata } from "./metadata.js";

/**
 * Status codes of gRPC, as its statuscodes document numbers them.
 *
 * A code is a plain number on the wire and here: `Code.NOT_FOUND === 5`.
 */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];

const names = Object.keys(Code);

/** `NOT_FOUND` for 5; a number that gRPC does not define stays a number. */
export function codeName(code: number): string {
  return names[code] ?? `CODE_${code}`;
}

/** How a call ended. */
export interface Status {
  readonly code: Code;
  /** The status text; empty where nothing was said. */
  readonly details: string;
  /** Trailers. Typed details of an error are in them; `RpcError.from(status).statusDetails` reads those. */
  readonly metadata: Metadata;
  /** What made the call fail on this side, where something did. */
  readonly cause?: unknown;
}

/** A number from a peer: one that gRPC does not define counts as UNKNOWN, as the statuscodes document says. */
export function toCode(code: number): Code {
  return names[code] === undefined ? Code.UNKNOWN : (code as Code);
}
