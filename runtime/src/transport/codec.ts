import type { Codec } from "../contract.js";
import { RpcError } from "../error.js";
import { Code } from "../status.js";

/**
 * Encodes a message for a transport, or says in an RpcError why it cannot be sent: INTERNAL with what the codec threw
 * as its cause, or RESOURCE_EXHAUSTED over `maxBytes`.
 */
export function encodeMessage<I>(codec: Codec<I, unknown>, message: I, maxBytes?: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = codec.encode(message);
  } catch (cause) {
    const { details } = RpcError.from(cause);
    throw new RpcError(Code.INTERNAL, `cannot encode this as ${codec.typeName}: ${details}`, { cause });
  }
  if (maxBytes !== undefined && bytes.length > maxBytes) {
    const details = `a ${codec.typeName} of ${bytes.length} bytes is over maxSendMessageBytes, ${maxBytes}`;
    throw new RpcError(Code.RESOURCE_EXHAUSTED, details);
  }
  return bytes;
}
