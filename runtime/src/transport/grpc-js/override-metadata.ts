import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Metadata, pairsOf } from "../../metadata.js";
import { asBuffer } from "../../method.js";

/** What a caller of grpc-js sends along: copied, it may change it later. */
export function fromCaller(given: GrpcMetadata): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of pairsOf(given.toJSON())) {
    try {
      metadata.append(key, value);
    } catch {
      // It belongs to the protocol (user-agent, te, …). grpc-js overwrites it without a word, and so does a transport.
    }
  }
  return metadata;
}

/** What was received, for a caller of grpc-js: its own, to change as it likes. */
export function toCaller(received: Metadata): GrpcMetadata {
  const metadata = new GrpcMetadata();
  for (const [key, value] of received) {
    try {
      metadata.add(key, typeof value === "string" ? value : asBuffer(value));
    } catch {
      // Another letter than its own metadata may have: grpc-js leaves such a header out when it receives one.
    }
  }
  return metadata;
}
