import type { Peer } from "../peer.js";
import { runCase } from "./client.js";
import { onGrpcJs } from "./limitations.js";
import { serve } from "./server.js";

/** Written by hand on plain @grpc/grpc-js, as its users do without Trunkline. */
export const grpcJsByHand: Peer = {
  name: "grpc-js",
  transports: ["grpc-js"],
  messages: ["ts-proto"],
  limitations: (role) => onGrpcJs[role],
  runCase,
  serve,
};
