/** Which messages are compressed, and how. */
import { describe, misuse } from "./error.js";
import { checkNumber } from "./number-option.js";

/** What gRPC calls message encodings (PROTOCOL-HTTP2, Message-Encoding). `identity` is none. */
export type Encoding = "identity" | "gzip" | "deflate";

/** How messages are sent. A peer that does not accept the encoding gets them as they are. */
export interface Compression {
  readonly encoding: Encoding;
  /** Shorter messages are sent as they are: there is nothing to win. Bytes; default 1 KiB. */
  readonly thresholdBytes?: number | undefined;
  /** Says of each message that is long enough whether to compress it: not what is random, or compressed already. */
  readonly only?: ((message: unknown) => boolean) | undefined;
}

export type CompressionOption = Encoding | Compression;

export const encodings: readonly Encoding[] = ["identity", "gzip", "deflate"];

const defaultThresholdBytes = 1024;

/** Reads an option. Throws an INVALID_ARGUMENT that names it for what is none. */
export function readCompression(option: string, given: CompressionOption): Compression {
  const compression: Compression = typeof given === "string" ? { encoding: given } : given;
  if (!encodings.includes(compression?.encoding)) {
    const what = typeof given === "object" && given !== null ? given.encoding : given;
    throw misuse(`${option}: must be one of ${encodings.join(", ")}, or { encoding } with one, not ${describe(what)}`);
  }
  const { thresholdBytes, only } = compression;
  if (thresholdBytes !== undefined) checkNumber(`${option}.thresholdBytes`, thresholdBytes, { atLeast: 0 });
  if (only === undefined || typeof only === "function") return compression;
  throw misuse(`${option}.only: must be a function of a message, not ${describe(only)}`);
}

/** Whether a message of so many bytes is to be compressed. */
export function compresses(compression: Compression, message: unknown, bytes: number): boolean {
  const { encoding, thresholdBytes = defaultThresholdBytes, only } = compression;
  return encoding !== "identity" && bytes >= thresholdBytes && (only === undefined || only(message));
}

const compressed = new WeakSet<object>();

/** A transport says it of a message that it has decoded. */
export function markCompressed(message: object): void {
  compressed.add(message);
}

/**
 * Whether a received message had been compressed by its sender: for tests and interop programs. Not every transport can
 * tell (docs/transports.md); of one that cannot, it is false.
 */
export function wasCompressed(message: object): boolean {
  return compressed.has(message);
}
