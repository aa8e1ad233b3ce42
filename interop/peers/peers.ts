import { bufCurl } from "./buf-curl/buf-curl.js";
import { grpcJsByHand } from "./grpc-js/grpc-js.js";
import type { Peer } from "./peer.js";
import { trunkline } from "./trunkline/trunkline.js";

/** Those that `--peer` takes; the first is the default. */
export const peers: readonly Peer[] = [trunkline, grpcJsByHand, bufCurl];
