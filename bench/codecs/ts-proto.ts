import { numbers, order, small, strings } from "../contenders/messages.js";
import { Numbers, Order, Small, Strings } from "../gen/ts-proto-grpc-js/bench.js";
import type { Codecs } from "./codecs.js";

const manyNumbers = { ...numbers, large: 12345678901 };

export const tsProto: Codecs = {
  small: { encode: () => Small.encode(small).finish(), decode: (bytes) => Small.decode(bytes) },
  order: { encode: () => Order.encode(order).finish(), decode: (bytes) => Order.decode(bytes) },
  strings: { encode: () => Strings.encode(strings).finish(), decode: (bytes) => Strings.decode(bytes) },
  numbers: { encode: () => Numbers.encode(manyNumbers).finish(), decode: (bytes) => Numbers.decode(bytes) },
};
