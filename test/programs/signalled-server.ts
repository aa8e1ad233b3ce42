/** A server with one call that never ends, to be sent signals: prints its address, and what it did at its end. */
import { Server } from "@trunkline/runtime";
import { registerKindsServer, UnimplementedKindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const [graceMs] = process.argv.slice(2);
const server = new Server();
const impl = Object.assign(new UnimplementedKindsServer(), {
  unary: () => {
    process.stdout.write("called\n");
    return new Promise<never>(() => {});
  },
});
registerKindsServer(server, impl);
server.installSignalHandlers({
  graceMs: Number(graceMs),
  onStopped: async ({ cutCalls }) => {
    await new Promise((resolve) => process.stdout.write(`stopped, ${cutCalls} cut\n`, resolve));
  },
});
server.onShutdown(() => process.stdout.write("stopping\n"));
const { address } = await server.listen("127.0.0.1:0");
process.stdout.write(`${address}\n`);
