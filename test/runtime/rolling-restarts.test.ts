/**
 * New versions of a server behind a client with the long connection: no call is lost. Lost is a call that fails,
 * whatever its status; no policy tries one again.
 */
import { type ClientChannel, Code, type DialOptions, dial } from "@trunkline/runtime";
import { type KindsClient, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { BoundSocket } from "../programs/bound-socket.js";
import { Load } from "../programs/load.js";
import { bundle, Program } from "../programs/program.js";

const restarts = 10;
const callers = { unaries: 16, streams: 4 };
const sockets: BoundSocket[] = [];
const channels: ClientChannel[] = [];
const loads: Load[] = [];
let program = "";

beforeAll(async () => {
  program = await bundle("test/programs/restarted-server.ts", "test/tmp/rolling-restarts/server.mjs");
});

afterEach(async () => {
  for (const load of loads.splice(0)) await load.stop();
  for (const channel of channels.splice(0)) await channel.close();
  await Program.killAll();
  for (const socket of sockets.splice(0)) socket.close();
});

/** A socket with one server on it after the other. */
class Place {
  readonly socket = new BoundSocket();
  readonly #args: readonly string[];
  #server: Program | undefined;

  constructor(options: { readonly graceMs: number; readonly preStopMs: number }) {
    this.#args = [`${options.graceMs}`, `${options.preStopMs}`];
    sockets.push(this.socket);
  }

  /** The new server listens before the old one is told to stop, and answers before the next restart. */
  async restart(load?: Load): Promise<void> {
    const old = this.#server;
    const next = await this.serve();
    if (old === undefined) return;
    old.signal("SIGTERM");
    const [, cutCalls] = await old.says(/^stopped, (\d+) calls cut$/);
    expect(cutCalls).toBe("0");
    expect(await old.ended).toBe("SIGTERM");
    await load?.answeredBy(next.pid);
  }

  async serve(): Promise<Program> {
    const server = new Program(process.execPath, [program, ...this.#args], [this.socket.fd]);
    this.#server = server;
    await server.says(/^serving$/);
    return server;
  }
}

function connect(target: string, options: DialOptions = {}): KindsClient {
  const channel = dial(target, options);
  channels.push(channel);
  return kindsClient(channel);
}

function startLoad(client: KindsClient): Load {
  let calls = 0;
  const unary = async () => {
    const { number } = await client.unary({ number: BigInt(10 + (calls++ % 30)) }, { timeoutMs: 15_000 });
    return Number(number);
  };
  const stream = async function* () {
    for await (const { number } of client.serverStream({})) yield Number(number);
  };
  const load = new Load({ unary, stream }, callers);
  loads.push(load);
  return load;
}

test("ten restarts on one address", async () => {
  const place = new Place({ graceMs: 15_000, preStopMs: 20 });
  await place.restart();
  const client = connect(place.socket.address);
  const load = startLoad(client);
  for (let i = 0; i < restarts; i++) await place.restart(load);
  await load.stop();
  expect(load).toMatchObject({ lost: [] });
  expect(load.answered.size).toBe(restarts + 1);
  // Every server has ended those that were open.
  expect(load.streams).toBeGreaterThanOrEqual(restarts * callers.streams);
  // None was made anew but for those restarts.
  expect(channels[0]!.stats.reconnects).toBe(restarts);
}, 60_000);

test("ten restarts of two addresses in turn, under round_robin", async () => {
  const places = [new Place({ graceMs: 15_000, preStopMs: 0 }), new Place({ graceMs: 15_000, preStopMs: 0 })];
  for (const place of places) await place.restart();
  const addresses = places.map(({ socket }) => socket.address);
  const load = startLoad(connect(`ipv4:${addresses.join()}`, { loadBalancing: "round_robin" }));
  for (let i = 0; i < restarts; i++) await places[i % 2]!.restart(load);
  await load.stop();
  expect(load).toMatchObject({ lost: [] });
  expect(load.answered.size).toBe(restarts + 2);
}, 60_000);

test("restarts under short connections: none is refused", async () => {
  const place = new Place({ graceMs: 15_000, preStopMs: 0 });
  await place.restart();
  const load = startLoad(connect(place.socket.address, { connection: "short" }));
  for (let i = 0; i < 4; i++) await place.restart(load);
  await load.stop();
  expect(load).toMatchObject({ lost: [] });
}, 60_000);

test("without grace, what is in flight is lost", async () => {
  const place = new Place({ graceMs: 0, preStopMs: 0 });
  const server = await place.serve();
  const client = connect(place.socket.address);
  await client.unary({});
  const call = client.unary({ number: 10_000n });
  // Its headers show that the server has it.
  const stream = client.serverStream({})[Symbol.asyncIterator]();
  await stream.next();
  server.signal("SIGTERM");
  await expect(call).rejects.toMatchObject({ code: Code.UNAVAILABLE, details: "the server is shutting down" });
  await server.says(/^stopped, [12] calls cut$/);
});
