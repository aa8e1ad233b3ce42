/** examples/systemd as a program, started as systemd starts it: with listening sockets, and with the variables that say so. */
import { type ClientChannel, dial } from "@trunkline/runtime";
import { releaseClient } from "../../examples/systemd/gen/release/v1/release_grpc.js";
import { passedSockets } from "../../examples/systemd/passed-sockets.js";
import { BoundSocket } from "../programs/bound-socket.js";
import { Load } from "../programs/load.js";
import { bundle, Program } from "../programs/program.js";

const channels: ClientChannel[] = [];
const sockets: BoundSocket[] = [];
const loads: Load[] = [];
let program = "";

beforeAll(async () => {
  program = await bundle("examples/systemd/main.ts", "test/tmp/systemd/main.mjs");
});

afterEach(async () => {
  for (const load of loads.splice(0)) await load.stop();
  for (const channel of channels.splice(0)) await channel.close();
  await Program.killAll();
  for (const socket of sockets.splice(0)) socket.close();
});

function bind(): BoundSocket {
  const socket = new BoundSocket();
  sockets.push(socket);
  return socket;
}

function connect(address: string): ReturnType<typeof releaseClient> {
  const channel = dial(address);
  channels.push(channel);
  return releaseClient(channel);
}

/** The shell becomes the program: its process id is known before, as it is to systemd between fork and exec. */
async function activate(release: string, passed: readonly BoundSocket[]): Promise<Program> {
  const script = 'LISTEN_PID=$$ exec "$0" "$@"';
  const env = { LISTEN_FDS: `${passed.length}`, RELEASE: release };
  const fds = passed.map(({ fd }) => fd);
  const server = new Program("/bin/sh", ["-c", script, process.execPath, program], fds, env);
  for (const { address } of passed) {
    expect((await server.says(/^release (\S+) serves on (\S+)$/)).slice(1)).toEqual([release, address]);
  }
  return server;
}

async function stop(server: Program): Promise<void> {
  server.signal("SIGTERM");
  expect(await server.ended).toBe("SIGTERM");
  expect(server.errors).toBe("");
}

test("it serves on all sockets that it was passed", async () => {
  const passed = [bind(), bind()];
  const server = await activate("1", passed);
  for (const { address } of passed) {
    expect(await connect(address).current({})).toEqual({ version: "1", pid: server.pid });
  }
  await stop(server);
});

test("between two releases calls wait, and none is lost", async () => {
  const socket = bind();
  const first = await activate("1", [socket]);
  const release = connect(socket.address);
  const stream = async function* () {};
  const unary = async () => (await release.current({}, { timeoutMs: 15_000 })).pid;
  const load = new Load({ unary, stream }, { unaries: 16, streams: 0 });
  loads.push(load);
  await load.answeredBy(first.pid);
  await stop(first);
  // Nobody is there to accept it: the system holds the connection until somebody is.
  const meanwhile = connect(socket.address).current({}, { timeoutMs: 15_000 });
  const second = await activate("2", [socket]);
  expect(await meanwhile).toEqual({ version: "2", pid: second.pid });
  await load.answeredBy(second.pid);
  await load.stop();
  expect(load).toMatchObject({ lost: [] });
});

test("without systemd it listens by itself", async () => {
  const server = new Program(process.execPath, [program, "127.0.0.1:0"], [], { LISTEN_PID: "1", LISTEN_FDS: "1" });
  const [, address] = await server.says(/^release none serves on (\S+)$/);
  expect(await connect(address!).current({})).toEqual({ version: "none", pid: server.pid });
  await stop(server);
});

test.each([
  ["two", { LISTEN_PID: "7", LISTEN_FDS: "2" }, ["fd:3", "fd:4"]],
  ["none", { LISTEN_PID: "7", LISTEN_FDS: "0" }, []],
  ["somebody else's", { LISTEN_PID: "8", LISTEN_FDS: "2" }, []],
  ["nothing said", {}, []],
])("passed sockets: %s", (_, env, addresses) => {
  expect(passedSockets(env, 7)).toEqual(addresses);
});
