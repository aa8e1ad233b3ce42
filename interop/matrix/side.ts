/** What takes part in the matrix. */
import { fileURLToPath } from "node:url";
import type { CaseName } from "../description.js";
import type { Peer } from "../peers/peer.js";
import { peers } from "../peers/peers.js";

/** One program that is client and server, with one transport and one library of messages. */
export interface Side {
  readonly name: string;
  /** What the pairs of sides without Trunkline are there for: to show that the peer itself is right. */
  readonly isTrunkline: boolean;
  /** The command with the flags of the public description; a server says its port on stdout, as `port 50051`. */
  command(role: "client" | "server", flags: readonly string[]): readonly [string, ...string[]];
  /** Cases that it cannot do, and which limitation of the peer is why, with a reference. */
  readonly notApplicable: { readonly [Role in "client" | "server"]: { readonly [Name in CaseName]?: string } };
}

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

function sidesOf(peer: Peer): Side[] {
  return peer.transports.flatMap((transport) =>
    peer.messages.map((messages) => ({
      name: peer.name === "trunkline" ? `Trunkline (${transport}, ${messages})` : `${peer.name} by hand`,
      isTrunkline: peer.name === "trunkline",
      command: (role, flags) => {
        const ours = ["--peer", peer.name, "--transport", transport, "--messages", messages];
        // execArgv: what makes this process read TypeScript.
        return [process.execPath, ...process.execArgv, main, role, ...ours, ...flags];
      },
      notApplicable: { client: {}, server: {} },
    })),
  );
}

/** Peers that are programs of their own, in any language, are appended here. */
export const sides: readonly Side[] = peers.flatMap(sidesOf);

export type Security = "plaintext" | "TLS";

export interface Pair {
  readonly client: Side;
  readonly server: Side;
  readonly security: Security;
}

/** Who calls whom: Trunkline and anybody, and each peer itself. */
export const pairs: readonly Pair[] = sides.flatMap((client) =>
  sides
    .filter((server) => client.isTrunkline || server.isTrunkline || client === server)
    .flatMap((server) => (["plaintext", "TLS"] as const).map((security) => ({ client, server, security }))),
);
