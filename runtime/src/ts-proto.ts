/** Codecs for messages as ts-proto generates them; generated files import this. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Codec, WireWriter } from "./contract.js";

/** What a ts-proto module exports beside a message's type. */
export interface TsProtoMessage<In, Out> {
  encode(message: Out, writer?: BinaryWriter): BinaryWriter;
  decode(bytes: Uint8Array): Out;
  fromPartial(partial: In): Out;
}

/** A codec that takes partial messages: ts-proto's `encode` itself throws on a missing bytes or int64 field. */
export function tsProto<In, Out>(typeName: string, message: TsProtoMessage<In, Out>): Codec<In, Out> {
  return {
    typeName,
    encode: (partial) => message.encode(message.fromPartial(partial)).finish(),
    encodeInto: (partial, writer) => void message.encode(message.fromPartial(partial), asBinaryWriter(writer)),
    decode: (bytes) => message.decode(bytes),
  };
}

/** A codec that takes whole messages only (`requests=full`), and so saves the copy. */
export function tsProtoFull<T>(
  typeName: string,
  message: Pick<TsProtoMessage<never, T>, "encode" | "decode">,
): Codec<T> {
  return {
    typeName,
    encode: (whole) => message.encode(whole).finish(),
    encodeInto: (whole, writer) => void message.encode(whole, asBinaryWriter(writer)),
    decode: (bytes) => message.decode(bytes),
  };
}

/** A WireWriter has every method of a BinaryWriter; its private state is what TypeScript misses, and no caller. */
function asBinaryWriter(writer: WireWriter): BinaryWriter {
  return writer as BinaryWriter;
}
