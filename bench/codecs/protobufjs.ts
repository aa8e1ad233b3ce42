import { createRequire } from "node:module";
import { numbers, order, small, strings } from "../contenders/messages.js";
import type { Codecs, MessageCodec } from "./codecs.js";

/** As much as is used of what pbjs makes. */
interface StaticMessage {
  create(init: object): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
}

type Messages = Readonly<Record<"Small" | "Order" | "Strings" | "Numbers", StaticMessage>>;

// Seen from dist/codecs: tsc does not copy what is JavaScript already.
const generated: { trunkline: { bench: { v1: Messages } } } = createRequire(import.meta.url)(
  "../../gen/protobufjs/bench.cjs",
);
const { Small, Order, Strings, Numbers } = generated.trunkline.bench.v1;

function codec(type: StaticMessage, init: object): MessageCodec {
  const message = type.create(init);
  return { encode: () => type.encode(message).finish(), decode: (bytes) => type.decode(bytes) };
}

export const protobufjs: Codecs = {
  small: codec(Small, small),
  order: codec(Order, order),
  strings: codec(Strings, strings),
  numbers: codec(Numbers, { ...numbers, large: 12345678901 }),
};
