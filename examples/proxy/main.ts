/**
 * A transparent gRPC proxy: `node main.js 127.0.0.1:50050 backend.internal:50051`.
 *
 * It knows no proto. Every method goes to the backend, over one long connection.
 */
import { dial, insecure, Server } from "@trunkline/runtime";
import { passOn } from "./proxy.js";

const [address, target] = process.argv.slice(2);
if (address === undefined || target === undefined) {
  console.error("usage: main <address to listen on> <backend>");
  process.exit(1);
}

/** The backend's own limits are those that count; this one is for the memory of this process. */
const maxReceiveMessageBytes = 64 * 1024 * 1024;

// insecure(): both sides are in one network that is trusted. Otherwise serverTls({ … }) here and tls({ … }) there.
const credentials = insecure();
const backend = dial(target, { credentials, maxReceiveMessageBytes });
const server = new Server({ unknownMethods: passOn(backend), maxReceiveMessageBytes });
const bound = await server.listen(address, { credentials });
server.installSignalHandlers({ graceMs: 30_000, onStopped: () => backend.close() });
console.log(`${bound.address} passes on to ${target}`);
