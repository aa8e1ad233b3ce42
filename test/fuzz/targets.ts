/** All that is fuzzed. */
import { calls } from "./calls.js";
import { connectionClient } from "./connection-client.js";
import { connectionServer } from "./connection-server.js";
import { frames } from "./frames.js";
import { hpack } from "./hpack.js";
import { nodeCalls } from "./node-calls.js";
import { plugin } from "./plugin.js";
import { protos } from "./protos.js";
import type { FuzzTarget } from "./target.js";

/** With the share of all cases that each has. */
export const targets: readonly { readonly target: FuzzTarget; readonly share: number }[] = [
  { target: hpack, share: 0.13 },
  { target: frames, share: 0.18 },
  { target: connectionServer, share: 0.27 },
  { target: connectionClient, share: 0.22 },
  { target: calls, share: 0.0979 },
  // Node.js's own HTTP/2 is at the other end: slower than all of ours.
  { target: nodeCalls, share: 0.002 },
  { target: plugin, share: 0.1 },
  // Compilers run in it.
  { target: protos, share: 0.0001 },
];
