/** A worker: a server like any other. That its port is shared is between node:cluster and the primary. */
import { scrypt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Server } from "@trunkline/runtime";
import { registerHasherServer } from "./gen/hasher/v1/hasher_grpc.js";

/** Milliseconds for the calls that are in flight when a worker is told to end. */
const graceMs = 10_000;

export async function work(address: string): Promise<void> {
  const worker = process.pid;
  let hashes = 0n;
  const server = new Server();
  registerHasherServer(server, {
    async hash({ password, salt }) {
      const hash = await promisify(scrypt)(password, salt, 32);
      hashes++;
      return { hash: hash as Buffer, worker };
    },
    // The signal also asks a stream to end when the server is to stop. It ends in success: its client opens another.
    async *watch(_, { signal }) {
      for (let told: bigint | undefined; !signal.aborted; ) {
        if (hashes !== told) yield { hashes, worker };
        told = hashes;
        await sleep(100, undefined, { signal }).catch(() => {});
      }
    },
  });
  const bound = await server.listen(address);
  // Ctrl-C reaches all processes of a terminal. Workers are told by their primary.
  process.on("SIGINT", () => {});
  server.installSignalHandlers({ signals: ["SIGTERM"], graceMs });
  console.log(`worker ${worker} serves on ${bound.address}`);
}
