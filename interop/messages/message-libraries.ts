import type { MessageLibrary } from "./message-library.js";
import { protobufEs } from "./protobuf-es.js";
import { tsProto } from "./ts-proto.js";

/** By the name that `--messages` takes; the first is the default. */
export const messageLibraries: { readonly [name: string]: MessageLibrary } = {
  "ts-proto": tsProto,
  "protobuf-es": protobufEs,
};
