/** The way of a message through Trunkline: a plain object as a user passes it, the codec of the generated table. */
import type { Codec } from "@trunkline/runtime";
import { protobufEs as es } from "@trunkline/runtime/protobuf-es";
import { tsProtoFull as full, tsProto } from "@trunkline/runtime/ts-proto";
import { numbers, order, small, strings } from "../contenders/messages.js";
import * as esMessages from "../gen/trunkline-protobuf-es/bench_pb.js";
import * as messages from "../gen/trunkline-ts-proto/bench.js";
import * as fullMessages from "../gen/trunkline-ts-proto-full/bench.js";
import type { Codecs, MessageCodec } from "./codecs.js";

function through<In>(codec: Codec<In, unknown>, message: In): MessageCodec {
  return { encode: () => codec.encode(message), decode: (bytes) => codec.decode(bytes) };
}

// What a table's entry has for a codec is made in just this way; the service has not all of these messages.
const manyNumbers = { ...numbers, large: 12345678901n };

export const tsProtoPartial: Codecs = {
  small: through(tsProto("Small", messages.Small), small),
  order: through(tsProto("Order", messages.Order), order),
  strings: through(tsProto("Strings", messages.Strings), strings),
  numbers: through(tsProto("Numbers", messages.Numbers), manyNumbers),
};

export const tsProtoFull: Codecs = {
  small: through(full("Small", fullMessages.Small), small),
  order: through(full("Order", fullMessages.Order), order),
  strings: through(full("Strings", fullMessages.Strings), strings),
  numbers: through(full("Numbers", fullMessages.Numbers), manyNumbers),
};

export const protobufEs: Codecs = {
  small: through(es(esMessages.SmallSchema), small),
  order: through(es(esMessages.OrderSchema), order),
  strings: through(es(esMessages.StringsSchema), strings),
  numbers: through(es(esMessages.NumbersSchema), manyNumbers),
};
