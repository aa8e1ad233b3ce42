import type { Metadata, MetadataValue } from "../../metadata.js";
import type { HpackEncoder } from "./hpack/encoder.js";
import type { Output } from "./output.js";

/** Custom metadata, as fields of a header block (PROTOCOL-HTTP2, Custom-Metadata). */
export function writeMetadata(encoder: HpackEncoder, output: Output, metadata: Metadata): void {
  const { pairs } = metadata;
  for (let i = 0; i < pairs.length; i += 2) encoder.field(output, pairs[i] as string, asText(pairs[i + 1]!));
}

/** Bytes travel in base64, and need no padding. */
function asText(value: MetadataValue): string {
  if (typeof value === "string") return value;
  const base64 = Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
  return base64.replace(/=+$/, "");
}
