/**
 * Attacks a server of its own, in another process, as often as its first argument says (default 100,000), on the transport
 * that its second names (default grpc-js), and fails where the server dies, answers an honest call wrongly, keeps a
 * connection, or has a heap that grew by 5 MiB and more.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { dial, Server, type ServerStats } from "@trunkline/runtime";
import {
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { echo } from "../connection/proxied.js";
import { attack, callAttacks, connectionAttacks, wrongWith } from "../runtime/attacks.js";
import { impatientServers } from "../runtime/impatient-servers.js";

const limitBytes = 5 * 1024 * 1024;
/** Attacks that are under way at once. */
const lanes = 16;
/** Calls on a connection before it is closed and another opened: what ends with a connection has to be seen to end. */
const callsPerConnection = 1000;

interface Report {
  readonly port: number;
  readonly heapBytes: number;
  readonly stats: ServerStats;
}

/** The other process: a report for every message. */
async function serve(transport: string): Promise<void> {
  const server = new Server({ transport: impatientServers(transport), onError: () => {} });
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
  const { port } = await server.listen("127.0.0.1:0");
  process.on("message", () => {
    for (let i = 0; i < 3; i++) globalThis.gc!();
    process.send!({ port, heapBytes: process.memoryUsage().heapUsed, stats: server.stats() } satisfies Report);
  });
  process.on("disconnect", () => process.exit());
  process.send!("ready");
}

async function attackAll(times: number, transport: string): Promise<void> {
  const child = fork(import.meta.filename, [transport], { execArgv: [...process.execArgv, "--expose-gc"] });
  const died = once(child, "exit").then(() => {
    throw new Error("the server died");
  });
  died.catch(() => {});
  const failures = new Set<string>();
  await Promise.race([died, once(child, "message")]);
  const { port } = await report(child);
  const rounds = async (count: number) => {
    let left = count;
    const lane = async () => {
      const calls = new Calls(port);
      while (left-- > 0) {
        const which = left % (connectionAttacks.length + callAttacks.length);
        const failure = await (which < connectionAttacks.length ? attackConnection(port, which) : calls.attack(which));
        if (failure !== undefined) failures.add(failure);
      }
      await calls.close();
    };
    await Promise.race([died, Promise.all(Array.from({ length: lanes }, lane))]);
  };
  // What is made with the first of them stays, whoever it is for.
  await rounds(Math.min(times, 2000));
  await emptied(child);
  const before = await report(child);
  const startedAt = performance.now();
  await rounds(times);
  const seconds = (performance.now() - startedAt) / 1000;
  await emptied(child);
  const after = await report(child);

  const channel = dial(`127.0.0.1:${port}`);
  const { text } = await kindsClient(channel).unary({ text: "honest" }, { timeoutMs: 5000 });
  if (text !== "honest") failures.add("an honest call was answered wrongly");
  await channel.close();
  const grownBytes = after.heapBytes - before.heapBytes;
  if (grownBytes >= limitBytes) failures.add(`the heap grew by ${grownBytes} bytes`);
  child.removeAllListeners("exit");
  child.kill();
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(2);
  console.log(
    `${times} attacks in ${seconds.toFixed(1)} s on ${after.stats.acceptedConnections} connections; ` +
      `heap ${mebibytes(before.heapBytes)} MiB, grown by ${mebibytes(grownBytes)} MiB`,
  );
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.size === 0 ? 0 : 1;
}

async function attackConnection(port: number, which: number): Promise<string | undefined> {
  const { name, run, expected } = connectionAttacks[which]!;
  const outcome = await run(port);
  return expected.test(outcome) ? undefined : `${name}: ${outcome}`;
}

/** One connection after another, for calls. */
class Calls {
  readonly #port: number;
  #session: ClientHttp2Session | undefined;
  #count = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async attack(which: number): Promise<string | undefined> {
    if (this.#count++ % callsPerConnection === 0) {
      await this.close();
      this.#session = connect(`http://127.0.0.1:${this.#port}`);
      this.#session.on("error", () => {}); // Its calls tell.
    }
    const call = callAttacks[which - connectionAttacks.length]!;
    return wrongWith(call, await attack(this.#session!, call));
  }

  async close(): Promise<void> {
    if (this.#session === undefined || this.#session.destroyed) return;
    const closed = once(this.#session, "close");
    this.#session.destroy();
    await closed;
  }
}

async function report(child: ChildProcess): Promise<Report> {
  const reported = once(child, "message");
  child.send("report");
  return (await reported)[0] as Report;
}

/** Until the server has noticed that all connections are gone. */
async function emptied(child: ChildProcess): Promise<void> {
  while ((await report(child)).stats.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 100));
}

if (process.send === undefined) await attackAll(Number(process.argv[2] ?? 100_000), process.argv[3] ?? "grpc-js");
else await serve(process.argv[2]!);
