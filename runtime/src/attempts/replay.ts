/** What a call has to keep of its requests to send them again. */
import type { Codec, MethodDesc } from "../contract.js";

/** Bytes of requests that a call keeps; with more it stays with the attempt that it has. gRPC's usual 256 KiB. */
export const bufferBytes: number = 256 * 1024;

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
