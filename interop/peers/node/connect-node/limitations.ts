import type { Limitations, Role } from "../../peer.js";

const bySize =
  "connect-node compresses messages by their size, and not one by one (sendCompression and compressMinBytes of its GrpcTransportOptions)";
const byClient =
  "a connect-node server compresses whatever is large where the client takes it, and no handler can say which (compressMinBytes of its ConnectRouterOptions)";

export const limitations: { readonly [R in Role]: Limitations } = {
  client: { client_compressed_streaming: bySize },
  server: { server_compressed_unary: byClient, server_compressed_streaming: byClient },
};
