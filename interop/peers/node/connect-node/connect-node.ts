import type { Peer } from "../../peer.js";
import { runCase } from "../library.js";
import { library } from "./client.js";
import { limitations } from "./limitations.js";
import { serve } from "./server.js";

/** @connectrpc/connect-node, over the gRPC protocol. */
export const connectNode: Peer = {
  name: "connect-node",
  transports: ["http2"],
  messages: ["protobuf-es"],
  limitations: (role) => limitations[role],
  runCase: (name, address, options) => runCase(library, name, address, options),
  serve,
};
