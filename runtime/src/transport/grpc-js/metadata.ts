import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Metadata, pairsOf } from "../../metadata.js";
import { asBuffer } from "../../method.js";

/** Ours as grpc-js wants it. */
export function toGrpcJs(metadata: Metadata | undefined): GrpcMetadata {
  const copy = new GrpcMetadata();
  if (metadata !== undefined) {
    for (const [key, value] of metadata) copy.add(key, typeof value === "string" ? value : asBuffer(value));
  }
  return copy;
}

/** What grpc-js received, copied once somebody looks. */
export function fromGrpcJs(received: GrpcMetadata): Metadata {
  return Metadata.received(() => pairsOf(received.toJSON()));
}
