/** Codecs for messages as ts-proto generates them; generated files import this. */
import type { Codec, WireWriter } from "./contract.js";

/** What a ts-proto module exports beside a message's type. */
export interface TsProtoMessage<In, Out> {
  /** Its writer is a `BinaryWriter`, which a WireWriter is but for private state that nobody outside of it uses. */
  encode(message: Out, writer?: WireWriter): WireWriter;
  decode(bytes: Uint8Array): Out;
  fromPartial(partial: In): Out;
}

/** A codec that takes partial messages: ts-proto's `encode` itself throws on a missing bytes or int64 field. */
export function tsProto<In, Out>(typeName: string, message: TsProtoMessage<In, Out>): Codec<In, Out> {
  return {
    typeName,
    encode: (partial) => message.encode(message.fromPartial(partial)).finish(),
    encodeInto: (partial, writer) => void message.encode(message.fromPartial(partial), writer),
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
    encodeInto: (whole, writer) => void message.encode(whole, writer),
    decode: (bytes) => message.decode(bytes),
  };
}
