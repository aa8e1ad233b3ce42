import { describe, misuse } from "./error.js";

/** Bytes of the longest message that is received where nobody says otherwise, on both sides: gRPC's usual 4 MiB. */
export const defaultMaxReceiveMessageBytes: number = 4 * 1024 * 1024;

/** A size as an option gives it. Throws an INVALID_ARGUMENT that names the option for what is none. */
export function checkBytes(option: string, bytes: number): number {
  if (Number.isInteger(bytes) && bytes >= 0) return bytes;
  throw misuse(`${option}: must be a whole number of bytes, not ${describe(bytes)}`);
}
