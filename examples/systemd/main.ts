/**
 * A server on the sockets that systemd holds for it, or, when started by hand, on its own:
 * `node main.js 127.0.0.1:50051`.
 */
import { insecure, Server } from "@trunkline/runtime";
import { registerReleaseServer } from "./gen/release/v1/release_grpc.js";
import { passedSockets } from "./passed-sockets.js";

const version = process.env.RELEASE ?? "none";
const server = new Server();
registerReleaseServer(server, { current: () => ({ version, pid: process.pid }) });

const passed = passedSockets();
for (const address of passed.length > 0 ? passed : [process.argv[2] ?? "127.0.0.1:50051"]) {
  // What a passed socket is bound to is for its unit to say, and so is whether plaintext will do there.
  const bound = await server.listen(address, { credentials: insecure() });
  console.log(`release ${version} serves on ${bound.address}`);
}
// Shorter than TimeoutStopSec= of the unit, after which systemd kills.
server.installSignalHandlers({ graceMs: 10_000 });
