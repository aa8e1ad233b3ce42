/** What takes part in the matrix. */
import { fileURLToPath } from "node:url";
import { grpcGo } from "../peers/go/side.js";
import { nodeSides } from "../peers/node/sides.js";
import type { Peer } from "../peers/peer.js";
import { peers } from "../peers/peers.js";
import { pythonPeer } from "../peers/python/side.js";
import { bundle, bundleOf } from "./bundle.js";
import type { Side } from "./side.js";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

function sidesOf(peer: Peer): Side[] {
  return peer.transports.flatMap((transport) =>
    peer.messages.map((messages) => ({
      name: peer.name === "trunkline" ? `${transport}, ${messages}` : peer.name,
      isTrunkline: peer.name === "trunkline",
      roles: peer.serve === undefined ? ["client"] : ["client", "server"],
      limitations: {
        client: peer.limitations("client", transport),
        server: peer.limitations("server", transport),
      },
      command: (role, flags) => {
        const ours = ["--peer", peer.name, "--transport", transport, "--messages", messages];
        return [process.execPath, bundleOf(main), role, ...ours, ...flags];
      },
      prepare: bundleMain,
    })),
  );
}

let bundled: Promise<void> | undefined;
const bundleMain = () => {
  bundled ??= bundle(main);
  return bundled;
};

/** Peers that are programs of their own, in any language. */
const programs: readonly Side[] = [pythonPeer, grpcGo, ...nodeSides];

export const sides: readonly Side[] = [...peers.flatMap(sidesOf), ...programs];

export const securities = ["plaintext", "TLS"] as const;
export type Security = (typeof securities)[number];

export interface Pair {
  readonly client: Side;
  readonly server: Side;
  readonly security: Security;
}

/** Who calls whom: Trunkline and anybody, and each peer itself. */
export const pairs: readonly Pair[] = sides.flatMap((client) =>
  sides
    .filter((server) => client.isTrunkline || server.isTrunkline || client === server)
    .filter((server) => client.roles.includes("client") && server.roles.includes("server"))
    .flatMap((server) => securities.map((security) => ({ client, server, security }))),
);
