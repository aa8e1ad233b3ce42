import type { Transport } from "../../contract.js";
import { GrpcJsChannel } from "./channel.js";
import { GrpcJsServer } from "./server.js";

/** gRPC as @grpc/grpc-js speaks it, on node:http2: its resolvers, load balancing and reconnecting, our call path. */
export const grpcJs: Transport = {
  name: "grpc-js",
  connect: (options, observer) => GrpcJsChannel.connect(options, observer),
  serve: (options) => new GrpcJsServer(options),
};
