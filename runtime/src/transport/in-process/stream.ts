import { Metadata, type MetadataValue } from "../../metadata.js";
import { Lane } from "./lane.js";

/** Metadata on its way. */
export type Pairs = readonly (readonly [string, MetadataValue])[];

/** How a server ended a call. */
export interface Ending {
  readonly code: number;
  readonly details: string;
  readonly trailers: Pairs;
}

/**
 * A call as its two ends share it. Nothing but plain values passes from one to the other: they may be of two copies of
 * this package, whose classes are not the same.
 */
export class Stream {
  readonly path: string;
  readonly metadata: Pairs;
  /** Monotonic milliseconds. */
  readonly deadline: number;
  readonly requests: Lane<never, "end"> = new Lane();
  readonly responses: Lane<Pairs, Ending> = new Lane();
  /** The server has taken it, and may have begun to work on it. */
  isAccepted = false;
  /** The caller does not want it any more. */
  isCancelled = false;
  /** How the server hears of that; set while it works on the call. */
  onCancel: ((isLate: boolean) => void) | undefined;

  constructor(path: string, metadata: Pairs, deadline: number) {
    this.path = path;
    this.metadata = metadata;
    this.deadline = deadline;
  }
}

const none: Pairs = [];

/** A copy: whoever has set it may change it later. */
export function toPairs(metadata: Metadata | undefined): Pairs {
  if (metadata === undefined || metadata.size === 0) return none;
  return Array.from(metadata, ([key, value]) => [key, typeof value === "string" ? value : new Uint8Array(value)]);
}

export function fromPairs(pairs: Pairs): Metadata {
  return Metadata.received({ pairs: () => pairs });
}
