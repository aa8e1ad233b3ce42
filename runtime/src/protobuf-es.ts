/** Codecs for messages of @bufbuild/protobuf; generated files import this. */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Codec } from "./contract.js";
import { RpcError } from "./error.js";
import { Code } from "./status.js";

/**
 * A codec that takes messages, and what `create` makes messages of. A message is encoded as it is, without a copy.
 *
 * Throws FAILED_PRECONDITION where `schema` is none, as when the `_pb` module is of protobuf-es v1.
 */
export function protobufEs<Schema extends DescMessage>(
  schema: Schema,
): Codec<MessageInitShape<Schema>, MessageShape<Schema>> {
  // Code that is not type-checked, or of a CommonJS build, gets undefined for what a module does not export.
  if ((schema as DescMessage | undefined)?.kind !== "message") {
    throw new RpcError(
      Code.FAILED_PRECONDITION,
      "a _pb module lacks a schema that services need: generate it with @bufbuild/protoc-gen-es v2",
    );
  }
  return {
    typeName: schema.typeName,
    encode: (message) => toBinary(schema, create(schema, message)),
    decode: (bytes) => fromBinary(schema, bytes),
  };
}
