/** How the end of a call is told on the wire (gRPC PROTOCOL-HTTP2: Responses, Errors). */
import { Code, toCode } from "../../status.js";
import { ErrorCode } from "./frames.js";

/** Percent-encoded UTF-8: everything but printable ASCII, and the percent sign. A lone surrogate does not arrive. */
export function encodeStatusMessage(details: string): string {
  if (/^[ -$&-~]*$/.test(details)) return details;
  let encoded = "";
  for (const byte of Buffer.from(details)) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** What is not encoded as it should be is taken as it is. */
export function decodeStatusMessage(message: string): string {
  if (!message.includes("%")) return message;
  const bytes: number[] = [];
  for (let i = 0; i < message.length; i++) {
    const hex = message[i] === "%" && /^[0-9a-fA-F]{2}$/.test(message.slice(i + 1, i + 3));
    bytes.push(hex ? Number.parseInt(message.slice(i + 1, i + 3), 16) : message.charCodeAt(i));
    if (hex) i += 2;
  }
  return Buffer.from(bytes).toString();
}

/** Of `grpc-status`; UNKNOWN for what is no number that gRPC defines. */
export function parseStatus(value: string): Code {
  return /^\d{1,3}$/.test(value) ? toCode(Number(value)) : Code.UNKNOWN;
}

/** What a reset stream means: the table of "Errors" in PROTOCOL-HTTP2. */
export function codeOfReset(error: number): Code {
  switch (error) {
    case ErrorCode.refusedStream:
      return Code.UNAVAILABLE;
    case ErrorCode.cancel:
      return Code.CANCELLED;
    case ErrorCode.enhanceYourCalm:
      return Code.RESOURCE_EXHAUSTED;
    case ErrorCode.inadequateSecurity:
      return Code.PERMISSION_DENIED;
    case ErrorCode.http11Required:
      return Code.UNKNOWN;
    default:
      return Code.INTERNAL;
  }
}
