/** What a call has to keep of its requests to send them again. */
import type { Codec, MethodDesc } from "../contract.js";

/** Bytes of requests that a call keeps; with more it stays with the attempt that it has. gRPC's usual 256 KiB. */
const callBytes = 256 * 1024;
/** Bytes that the calls of a channel keep together. gRPC's usual 16 MiB. */
const channelBytes = 16 * 1024 * 1024;

/** Counts what the calls of a channel keep of their requests. */
export class ReplayBudget {
  #bytes = 0;

  /** What one call keeps. */
  share(): ReplayShare {
    return new ReplayShare(this);
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  get isSpent(): boolean {
    return this.#bytes > channelBytes;
  }
}

/** What one call keeps of its requests, until it no longer has to. */
export class ReplayShare {
  readonly #budget: ReplayBudget;
  #bytes = 0;
  #released = false;

  constructor(budget: ReplayBudget) {
    this.#budget = budget;
  }

  add(bytes: number): void {
    if (this.#released) return;
    this.#bytes += bytes;
    this.#budget.add(bytes);
  }

  /** Whether the call has to stay with the attempt that it has. */
  get isSpent(): boolean {
    return this.#bytes > callBytes || this.#budget.isSpent;
  }

  /** Nothing is kept any more to be sent again. */
  release(): void {
    if (!this.#released) this.#budget.add(-this.#bytes);
    this.#released = true;
  }
}

const replayable = new WeakMap<object, unknown>();

/**
 * The method with requests that are encoded already: once, for all attempts, so that it is known how much is kept, and
 * so that an attempt does not see what a caller has done to its message since.
 */
export function withEncodedRequests<O>(
  method: MethodDesc<never, unknown, never, O>,
): MethodDesc<Uint8Array, unknown, never, O> {
  let encoded = replayable.get(method) as MethodDesc<Uint8Array, unknown, never, O> | undefined;
  if (encoded === undefined) {
    const { typeName, decode } = method.request as Codec<never, unknown>;
    const request: Codec<Uint8Array, unknown> = {
      typeName,
      encode: (bytes) => bytes,
      encodeInto: (bytes, writer) => void writer.raw(bytes),
      decode,
    };
    const { name, path, kind, response, idempotency, defaults } = method;
    encoded = { name, path, kind, request, response, idempotency, defaults };
    replayable.set(method, encoded);
  }
  return encoded;
}
