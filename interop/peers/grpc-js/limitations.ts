/** What nobody can do on grpc-js, by hand or through Trunkline. */
import type { Limitations, Role } from "../peer.js";

const untold = "grpc-js does not tell whether a message was compressed (docs/transports.md)";
const uncompressed = "grpc-js has no API that compresses responses (docs/transports.md)";

export const onGrpcJs: { readonly [R in Role]: Limitations } = {
  client: { server_compressed_unary: untold, server_compressed_streaming: untold },
  server: {
    client_compressed_unary: untold,
    client_compressed_streaming: untold,
    server_compressed_unary: uncompressed,
    server_compressed_streaming: uncompressed,
  },
};
