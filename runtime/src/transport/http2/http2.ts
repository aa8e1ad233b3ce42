import type { SocketTransport } from "../../contract.js";
import { ClientConnection } from "./client-connection.js";
import { Http2Server } from "./server.js";

/** gRPC over HTTP/2 on sockets of node:net and node:tls, made for it: RFC 9113, RFC 7541 and gRPC PROTOCOL-HTTP2. */
export const http2: SocketTransport = {
  name: "http2",
  tellsProgress: true,
  capabilities: { ping: true, compressionPerCall: true },
  speak: (socket, options, observer) => new ClientConnection(socket, options, observer),
  serve: (options) => new Http2Server(options),
};
