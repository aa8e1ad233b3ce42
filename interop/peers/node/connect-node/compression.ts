import type { Compression } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { PayloadResponse } from "../../../service.js";

const decompressed = new WeakSet<ArrayBufferLike>();

/** gzip that remembers what it has decompressed. */
export const gzip: Compression = {
  ...compressionGzip,
  async decompress(bytes, readMaxBytes) {
    const message = await compressionGzip.decompress(bytes, readMaxBytes);
    decompressed.add(message.buffer);
    return message;
  },
};

/** connect-node does not say it of a message; but the bytes of one are a view of what it was read from. */
export function wasCompressed({ payload }: PayloadResponse): boolean {
  return payload !== undefined && decompressed.has(payload.body.buffer);
}
