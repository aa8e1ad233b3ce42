/** Compresses messages and takes them apart again (gRPC compression.md). */
import { deflate, deflateSync, gunzip, gzip, gzipSync, inflate } from "node:zlib";
import type { Encoding } from "../../compression.js";
import { RpcError } from "../../error.js";
import { Code } from "../../status.js";

/** What takes some hundred microseconds at most is done at once: a thread and a turn of the event loop would take longer. */
const quickBytes = 16 * 1024;

/** Calls back at once where that is quick. */
export function compress(
  encoding: Encoding,
  bytes: Uint8Array,
  onDone: (error: RpcError | undefined, compressed: Uint8Array) => void,
): void {
  if (bytes.length <= quickBytes) {
    onDone(undefined, encoding === "gzip" ? gzipSync(bytes) : deflateSync(bytes));
    return;
  }
  const work = encoding === "gzip" ? gzip : deflate;
  work(bytes, (cause, compressed) => {
    if (cause === null) onDone(undefined, compressed);
    else onDone(new RpcError(Code.INTERNAL, `a message cannot be compressed: ${cause.message}`, { cause }), bytes);
  });
}

/**
 * In a thread, always: a few bytes may stand for many.
 *
 * @param maxBytes of the message; more of it is not read
 */
export function decompress(
  encoding: Encoding,
  bytes: Uint8Array,
  maxBytes: number,
  onDone: (error: RpcError | undefined, message: Uint8Array) => void,
): void {
  const work = encoding === "gzip" ? gunzip : inflate;
  work(bytes, { maxOutputLength: Math.max(1, Math.min(maxBytes, largestBuffer)) }, (cause, message) => {
    if (cause === null && message.length <= maxBytes) onDone(undefined, message);
    else onDone(notReadable(encoding, maxBytes, cause), bytes);
  });
}

const largestBuffer = 2 ** 32 - 1;

function notReadable(encoding: Encoding, maxBytes: number, cause: NodeJS.ErrnoException | null): RpcError {
  if (cause === null || cause.code === "ERR_BUFFER_TOO_LARGE") {
    const details = `a message in ${encoding} is over maxReceiveMessageBytes, ${maxBytes}, when it is inflated`;
    return new RpcError(Code.RESOURCE_EXHAUSTED, details);
  }
  return new RpcError(Code.INTERNAL, `a message in ${encoding} cannot be inflated: ${cause.message}`, { cause });
}
