import type { Peer } from "../../peer.js";
import { runCase } from "../library.js";
import { library } from "./client.js";
import { limitations } from "./limitations.js";
import { serve } from "./server.js";

/** nice-grpc, with the messages and the service definitions of ts-proto. */
export const niceGrpc: Peer = {
  name: "nice-grpc",
  transports: ["grpc-js"],
  messages: ["ts-proto"],
  limitations: (role) => limitations[role],
  runCase: (name, address, options) => runCase(library, name, address, options),
  serve,
};
