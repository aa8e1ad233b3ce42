/**
 * A server of Kinds on the listening socket that it was started with, until SIGTERM: `graceMs` and `preStopMs` are its
 * arguments. Every answer says by its number which process gives it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { insecure, Server } from "@trunkline/runtime";
import {
  type KindsServer,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const [graceMs = "10000", preStopMs = "0"] = process.argv.slice(2);
const number = BigInt(process.pid);
const kinds: Partial<KindsServer> = {
  /** Takes as many milliseconds as it is asked to, so that there are calls in flight when the signal comes. */
  async unary(request) {
    await sleep(Number(request.number));
    return { number };
  },
  /** Goes on until the server asks it to end. */
  async *serverStream(_, { signal }) {
    while (!signal.aborted) {
      yield { number };
      await sleep(5);
    }
  },
};
const server = new Server();
registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), kinds));
await server.listen("fd:3", { credentials: insecure() });
server.installSignalHandlers({
  ...{ graceMs: Number(graceMs), preStopMs: Number(preStopMs) },
  onStopped: ({ cutCalls }) => console.log(`stopped, ${cutCalls} calls cut`),
});
server.onShutdown(() => console.log("stopping"));
console.log("serving");
