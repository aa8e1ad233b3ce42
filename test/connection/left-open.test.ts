/** A connection that nobody waits for does not hold a process open, whatever it is doing. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { bundle, Program } from "../programs/program.js";
import { startKinds, stopKinds } from "../runtime/kinds.js";

let silent: Server;
let quiet: string;
let program: string;

beforeAll(async () => {
  program = await bundle("test/programs/left-open.ts", "test/tmp/left-open/left-open.mjs");
  silent = createServer((socket) => socket.resume().on("error", () => {})).listen(0, "127.0.0.1");
  await once(silent, "listening");
  quiet = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
});
afterAll(() => silent.close());
afterEach(async () => {
  await Program.killAll();
  await stopKinds();
});

async function run(what: string, target: string) {
  const started = new Program(process.execPath, [program, "http2", what, target]);
  const [state] = await started.says(/^[A-Z_]+$/);
  return [state, await started.ended];
}

test.each([
  ["that is READY", "call", undefined, "READY"],
  ["to a peer that says nothing", "connect", "quiet", "CONNECTING"],
  ["to a peer that says nothing in the handshake", "handshake", "quiet", "CONNECTING"],
  ["that waits to be tried again", "call", "127.0.0.1:1", "TRANSIENT_FAILURE"],
])("one %s", async (_what, what, target, state) => {
  const { address } = await startKinds("http2", {});
  expect(await run(what, target === "quiet" ? quiet : (target ?? address))).toEqual([state, "exit 0"]);
});

test("but a call that waits for one does, until it ends", async () => {
  const started = new Program(process.execPath, [program, "http2", "call", quiet]);
  await started.says(/^DEADLINE_EXCEEDED: the deadline passed while the call waited for a connection/);
  expect(await started.ended).toBe("exit 0");
});
