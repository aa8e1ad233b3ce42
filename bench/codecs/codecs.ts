/** The libraries that encode and decode, each loaded by the process that measures it. */
export const shapes = ["small", "order", "strings", "numbers"] as const;

export type CodecShape = (typeof shapes)[number];

export interface MessageCodec {
  encode(): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

export type Codecs = Readonly<Record<CodecShape, MessageCodec>>;

export const codecs: Readonly<Record<string, () => Promise<Codecs>>> = {
  "ts-proto": async () => (await import("./ts-proto.js")).tsProto,
  "protobuf-es": async () => (await import("./protobuf-es.js")).protobufEs,
  "protobufjs static": async () => (await import("./protobufjs.js")).protobufjs,
  "trunkline ts-proto, partial requests": async () => (await import("./trunkline.js")).tsProtoPartial,
  "trunkline ts-proto, full requests": async () => (await import("./trunkline.js")).tsProtoFull,
  "trunkline protobuf-es": async () => (await import("./trunkline.js")).protobufEs,
};
