import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Metadata, pairsOf } from "../../metadata.js";
import { asBuffer } from "../../method.js";

/** grpc-js copies what it is given before it changes it. */
const empty = new GrpcMetadata();

/** Ours as grpc-js wants it. To read only: calls without any share one. */
export function toGrpcJs(metadata: Metadata | undefined): GrpcMetadata {
  return metadata === undefined || metadata.size === 0 ? empty : copyToGrpcJs(metadata);
}

/** The same, to change. */
export function copyToGrpcJs(metadata: Metadata | undefined): GrpcMetadata {
  const copy = new GrpcMetadata();
  for (const [key, value] of metadata ?? []) copy.add(key, typeof value === "string" ? value : asBuffer(value));
  return copy;
}

/** What grpc-js received, copied once somebody looks. */
export function fromGrpcJs(received: GrpcMetadata): Metadata {
  return Metadata.received({ pairs: () => pairsOf(received.toJSON()) });
}
