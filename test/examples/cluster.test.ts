/** examples/cluster as a program: its workers are restarted one by one under load, and no call is lost. */
import { copyFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type ClientChannel, dial } from "@trunkline/runtime";
import { hasherClient } from "../../examples/cluster/gen/hasher/v1/hasher_grpc.js";
import { Load } from "../programs/load.js";
import { bundle, Program } from "../programs/program.js";

const folder = "test/tmp/cluster";
const release = `${folder}/release.mjs`;
const channels: ClientChannel[] = [];
const loads: Load[] = [];

beforeAll(() => bundle("examples/cluster/main.ts", release));

afterEach(async () => {
  for (const load of loads.splice(0)) await load.stop();
  for (const channel of channels.splice(0)) await channel.close();
  await Program.killAll();
});

interface Cluster {
  readonly primary: Program;
  readonly address: string;
  readonly workers: readonly number[];
  /** What it runs: each worker reads it anew. */
  readonly file: string;
}

async function startCluster(name: string): Promise<Cluster> {
  const file = `${folder}/${name}.mjs`;
  copyFileSync(release, file);
  const primary = new Program(process.execPath, [file, "127.0.0.1:0", "2"]);
  const workers = [await nextWorker(primary), await nextWorker(primary)];
  await primary.says(/^2 workers serve$/);
  const [{ address }] = workers as [Worker];
  expect(workers.map((worker) => worker.address)).toEqual([address, address]);
  return { primary, address, workers: workers.map(({ pid }) => pid), file };
}

interface Worker {
  readonly pid: number;
  readonly address: string;
}

async function nextWorker(primary: Program): Promise<Worker> {
  const [, pid, address] = await primary.says(/^worker (\d+) serves on (\S+)$/);
  return { pid: Number(pid), address: address! };
}

function startLoad(address: string): Load {
  const channel = dial(address);
  channels.push(channel);
  const hasher = hasherClient(channel);
  const unary = async () =>
    (await hasher.hash({ password: "p", salt: Uint8Array.of(1) }, { timeoutMs: 15_000 })).worker;
  const stream = async function* () {
    for await (const { worker } of hasher.watch({})) yield worker;
  };
  const load = new Load({ unary, stream }, { unaries: 4, streams: 2 });
  loads.push(load);
  return load;
}

test("SIGHUP restarts all workers one by one, and no call is lost", async () => {
  const { primary, address, workers } = await startCluster("restarts");
  const load = startLoad(address);
  for (let i = 0; i < 2; i++) {
    primary.signal("SIGHUP");
    const next = [await nextWorker(primary), await nextWorker(primary)];
    await primary.says(/^restarted$/);
    expect(next.map((worker) => worker.address)).toEqual([address, address]);
    expect(workers).not.toContain(next[0]!.pid);
    await Promise.any(next.map(({ pid }) => load.answeredBy(pid)));
  }
  await load.stop();
  expect(load).toMatchObject({ lost: [] });
  expect(load.unaries).toBeGreaterThan(0);
  // The one connection had to move at least once.
  expect(load.answered.size).toBeGreaterThanOrEqual(2);
  primary.signal("SIGTERM");
  expect(await primary.ended).toBe("SIGTERM");
  expect(primary.errors).toBe("");
}, 60_000);

test("a release that does not start leaves the old workers where they are", async () => {
  const { primary, address, workers, file } = await startCluster("broken");
  const load = startLoad(address);
  await writeFile(file, "process.exit(7);");
  primary.signal("SIGHUP");
  await primary.complains(/not restarted: Error: worker \d+ ended before it listened \(7\)/);
  expect(primary.errors).not.toContain("unasked");
  await load.stop();
  expect(load.lost).toEqual([]);
  expect([...load.answered].filter((pid) => !workers.includes(pid))).toEqual([]);

  // All the same, the next one that starts does.
  copyFileSync(release, file);
  primary.signal("SIGHUP");
  await primary.says(/^restarted$/);
  primary.signal("SIGINT");
  expect(await primary.ended).toBe("SIGINT");
}, 60_000);

test("a worker that dies is replaced", async () => {
  const { primary, workers } = await startCluster("dies");
  const [first, second] = workers as [number, number];
  process.kill(first, "SIGKILL");
  await primary.complains(new RegExp(`worker ${first} ended unasked \\(SIGKILL\\)`));
  const { pid, address } = await nextWorker(primary);
  expect([first, second]).not.toContain(pid);
  const load = startLoad(address);
  await Promise.any([load.answeredBy(pid), load.answeredBy(second)]);
  await load.stop();
  expect(load.lost).toEqual([]);
}, 60_000);

test("calls in flight end before the workers do", async () => {
  const { primary, address } = await startCluster("ends");
  const channel = dial(address);
  channels.push(channel);
  const hasher = hasherClient(channel);
  const watched = hasher.watch({})[Symbol.asyncIterator]();
  await watched.next();
  primary.signal("SIGTERM");
  expect(await watched.next()).toMatchObject({ done: true });
  expect(await primary.ended).toBe("SIGTERM");
}, 60_000);
