import type { Codec, MessageSource, MethodDesc, ServerCall } from "../contract.js";

/** Messages as the bytes that they travel as. */
export const rawCodec: Codec<Uint8Array> = {
  typeName: "bytes",
  encode: (bytes) => bytes,
  encodeInto: (bytes, writer) => void writer.raw(bytes),
  decode: (bytes) => bytes,
};

/**
 * A method of which nothing is known but its path, with messages as bytes. It streams both ways, which on the wire any
 * kind looks like: for proxies, and for tools that learn of methods while they run.
 *
 * @param path `/package.Service/Method`
 */
export function rawMethod(
  path: string,
): MethodDesc<Uint8Array, Uint8Array, Uint8Array, Uint8Array> & { readonly kind: "bidiStream" } {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    name,
    path,
    kind: "bidiStream",
    request: rawCodec,
    response: rawCodec,
    idempotency: "unknown",
    defaults: {},
  };
}

/** Answers calls to methods that no registered service has; `call.method.path` tells which. */
export type RawHandler = (requests: AsyncIterable<Uint8Array>, call: ServerCall) => MessageSource<Uint8Array>;
