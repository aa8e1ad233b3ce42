/**
 * Listens on each of the addresses in its arguments, prints where or why not, and serves until its input ends. For each
 * line of its input it prints what the server has done.
 */
import { createInterface } from "node:readline";
import { insecure, RpcError, Server } from "@trunkline/runtime";
import { registerKindsServer, UnimplementedKindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const server = new Server();
const impl = Object.assign(new UnimplementedKindsServer(), { unary: () => ({ text: "here" }) });
registerKindsServer(server, impl);
for (const address of process.argv.slice(2)) {
  try {
    const { address: bound } = await server.listen(address, { credentials: insecure() });
    console.log(bound);
  } catch (error) {
    console.log(RpcError.from(error).message);
  }
}
console.log("done");
for await (const _ of createInterface(process.stdin)) console.log(JSON.stringify(server.stats()));
await server.shutdown();
process.exit();
