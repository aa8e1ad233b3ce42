/** Methods whose messages are plain bytes. */
import type { Codec, MethodDesc, MethodKind } from "@trunkline/runtime";

/** Not one message for another: each is what it was. */
const written: Codec<Uint8Array> = {
  typeName: "fuzz.Bytes",
  encode: (message) => message,
  encodeInto: (message, writer) => void writer.raw(message),
  decode: (bytes) => bytes,
};

/** Without `encodeInto`: messages have buffers of their own. */
const encoded: Codec<Uint8Array> = { typeName: "fuzz.Bytes", encode: (message) => message, decode: (bytes) => bytes };

const unreadable: Codec<Uint8Array> = {
  ...written,
  decode(bytes) {
    if (bytes.length % 3 === 2) throw new Error("of the codec");
    return bytes;
  },
};

export type BytesMethod = MethodDesc<Uint8Array, Uint8Array, Uint8Array, Uint8Array>;

const method = (kind: MethodKind, name: string, codec: Codec<Uint8Array>): BytesMethod => ({
  ...{ name, path: `/fuzz.Bytes/${name}`, kind, request: codec, response: codec },
  ...{ idempotency: "unknown", defaults: {} },
});

export const kinds: readonly MethodKind[] = ["unary", "serverStream", "clientStream", "bidiStream"];

/** Of every kind, one with each codec that can read all; the last can not. */
export const bytesMethods: readonly BytesMethod[] = kinds.flatMap((kind) => [
  method(kind, `${kind}Written`, written),
  method(kind, `${kind}Encoded`, encoded),
]);

export const unreadableMethod: BytesMethod = method("bidiStream", "unreadable", unreadable);
