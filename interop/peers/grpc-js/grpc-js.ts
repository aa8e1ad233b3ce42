import type { Limitations, Peer, Role } from "../peer.js";
import { runCase } from "./client.js";
import { serve } from "./server.js";

const untold = "grpc-js does not tell whether a message was compressed (its ClientReadableStream and ServerUnaryCall)";
const uncompressed = "grpc-js has no API that compresses responses (its README, Supported Channel Options)";

const limitations: { readonly [R in Role]: Limitations } = {
  client: { server_compressed_unary: untold, server_compressed_streaming: untold },
  server: {
    client_compressed_unary: untold,
    client_compressed_streaming: untold,
    server_compressed_unary: uncompressed,
    server_compressed_streaming: uncompressed,
  },
};

/** Written by hand on plain @grpc/grpc-js, as its users do without Trunkline. */
export const grpcJsByHand: Peer = {
  name: "grpc-js",
  transports: ["grpc-js"],
  messages: ["ts-proto"],
  limitations: (role) => limitations[role],
  runCase,
  serve,
};
