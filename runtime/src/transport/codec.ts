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
    throw notEncodable(codec, cause);
  }
  if (maxBytes !== undefined && bytes.length > maxBytes) throw tooLongToSend(codec, bytes.length, maxBytes);
  return bytes;
}

export function notEncodable({ typeName }: Codec<never, unknown>, cause: unknown): RpcError {
  const { details } = RpcError.from(cause);
  return new RpcError(Code.INTERNAL, `cannot encode this as ${typeName}: ${details}`, { cause });
}

export function tooLongToSend({ typeName }: Codec<never, unknown>, bytes: number, maxBytes: number): RpcError {
  const details = `a ${typeName} of ${bytes} bytes is over maxSendMessageBytes, ${maxBytes}`;
  return new RpcError(Code.RESOURCE_EXHAUSTED, details);
}
