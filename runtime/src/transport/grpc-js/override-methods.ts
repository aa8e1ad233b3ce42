import type { Codec, MethodDesc } from "../../contract.js";
import { asBuffer } from "../../method.js";

/** Messages as the bytes that grpc-js has encoded, and will decode. */
const bytes: Codec<Buffer> = {
  typeName: "bytes",
  encode(message) {
    if (ArrayBuffer.isView(message)) return message;
    throw new TypeError(`the method's requestSerialize made a ${typeof message} of a message, where bytes are wanted`);
  },
  encodeInto: (message, writer) => void writer.raw(message),
  decode: asBuffer,
};

type BytesMethod = MethodDesc<Buffer, Buffer, Buffer, Buffer>;

/** A proxy may be asked for any number of paths; a program calls a few hundred. */
const mostPaths = 1000;

/** The methods that clients of grpc-js have called: of each they tell a channel no more than its path. */
export class OverrideMethods {
  readonly #oneRequest = new Map<string, BytesMethod>();
  readonly #manyRequests = new Map<string, BytesMethod>();

  /** @param hasOneRequest its whole request is known: all else looks alike on the wire */
  get(path: string, hasOneRequest: boolean): BytesMethod {
    const known = hasOneRequest ? this.#oneRequest : this.#manyRequests;
    let method = known.get(path);
    if (method === undefined) {
      if (known.size >= mostPaths) known.clear();
      const name = path.slice(path.lastIndexOf("/") + 1);
      const kind = hasOneRequest ? "serverStream" : "bidiStream";
      method = { name, path, kind, request: bytes, response: bytes, idempotency: "unknown", defaults: {} };
      known.set(path, method);
    }
    return method;
  }
}
