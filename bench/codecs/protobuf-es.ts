import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { numbers, order, small, strings } from "../contenders/messages.js";
import { NumbersSchema, OrderSchema, SmallSchema, StringsSchema } from "../gen/protobuf-es/bench_pb.js";
import type { Codecs, MessageCodec } from "./codecs.js";

/** The message is made once: what is measured is the codec alone. */
function codec<Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>): MessageCodec {
  const message = create(schema, init);
  return { encode: () => toBinary(schema, message), decode: (bytes) => fromBinary(schema, bytes) };
}

export const protobufEs: Codecs = {
  small: codec(SmallSchema, small),
  order: codec(OrderSchema, order),
  strings: codec(StringsSchema, strings),
  numbers: codec(NumbersSchema, { ...numbers, large: 12345678901n }),
};
