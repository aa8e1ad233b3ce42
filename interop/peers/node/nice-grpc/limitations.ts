import type { Limitations, Role } from "../../peer.js";

const allOrNone =
  "nice-grpc writes a stream's messages without the flags of grpc-js that would leave one uncompressed (its createClientStreamingMethod)";
const untold = "nice-grpc does not tell whether a message was compressed (its CallOptions and CallContext)";
const uncompressed = "nice-grpc has no API that compresses responses (grpc-js, README, Supported Channel Options)";

export const limitations: { readonly [R in Role]: Limitations } = {
  client: {
    client_compressed_streaming: allOrNone,
    server_compressed_unary: untold,
    server_compressed_streaming: untold,
  },
  server: {
    client_compressed_unary: untold,
    client_compressed_streaming: untold,
    server_compressed_unary: uncompressed,
    server_compressed_streaming: uncompressed,
  },
};
