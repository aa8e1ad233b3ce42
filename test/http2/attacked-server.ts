/**
 * A server to be attacked, in a process of its own, so that what it costs can be measured: for every message it reports its
 * memory, when all that nobody holds any more is gone.
 */
import { Server, type ServerStats } from "@trunkline/runtime";
import { registerKindsServer, UnimplementedKindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

export interface Report {
  readonly port: number;
  /** Of the heap, and of the buffers beside it. */
  readonly bytes: number;
  readonly stats: ServerStats;
}

const forever = new Promise<never>(() => {});

const server = new Server({ transport: "http2", onError: () => {} });
registerKindsServer(
  server,
  Object.assign(new UnimplementedKindsServer(), {
    /** As long an answer as is asked for. */
    unary: ({ number }: { number: bigint }) => ({ text: "x".repeat(Number(number)) }),
    /** Reads nothing, and never answers. */
    clientStream: () => forever,
    /** Says nothing. */
    serverStream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => forever }) }),
  }),
);
const { port } = await server.listen("127.0.0.1:0");
process.on("message", async () => {
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    globalThis.gc!();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send!({ port, bytes: heapUsed + external, stats: server.stats() } satisfies Report);
});
process.on("disconnect", () => process.exit());
process.send!("ready");
