import { Metadata } from "../metadata.js";
import { Code, type Status } from "../status.js";

/**
 * A status whose trailers are not longer than can be sent. The code and the beginning of the text are what a caller needs
 * most; a success without its trailers is none.
 */
export function fittingTrailers({ code, details, metadata }: Status, maxBytes: number): Status {
  const bytes = encodeURIComponent(details).length + metadata.listBytes;
  if (bytes <= maxBytes) return { code, details, metadata };
  const why = `the trailers have ${bytes} bytes; ${maxBytes} can be sent at most`;
  if (code === Code.OK) return { code: Code.INTERNAL, details: why, metadata: new Metadata() };
  const kept = wellFormed(details.slice(0, Math.min(4000, Math.floor(maxBytes / 2))));
  return { code, details: `${kept}… (cut: ${why})`, metadata: new Metadata() };
}

/** A lone surrogate cannot be percent-encoded. */
export function wellFormed(text: string): string {
  return text === "" ? text : Buffer.from(text).toString();
}
