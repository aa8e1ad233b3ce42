import type { Transport } from "../../contract.js";
import { GrpcJsChannel } from "./channel.js";
import { GrpcJsServer } from "./server.js";
import { isXds, registerXds } from "./xds.js";

/** gRPC as @grpc/grpc-js speaks it, on node:http2: its resolvers, load balancing and reconnecting, our call path. */
export const grpcJs: Transport = {
  name: "grpc-js",
  connect: async (options, observer) => {
    if (isXds(options.target)) await registerXds();
    return GrpcJsChannel.connect(options, observer);
  },
  serve: (options) => new GrpcJsServer(options),
};
