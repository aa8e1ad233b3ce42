import { grpcJs, trunkline } from "../contenders/contenders.js";
import { Pair } from "../processes/pair.js";
import type { Usage } from "../processes/usage.js";
import { type Case, type Metric, type Plan, roundsOf, type Suite } from "./suite.js";

const bytes = (...names: string[]) => names.map((name): Metric => ({ name, unit: "bytes", better: "less" }));
const clientOnly = bytes("client memory", "client heap");
const eachEnd = [...clientOnly, ...bytes("server memory", "server heap")];
/** The first is what a case is judged by: what a thing costs wherever it costs it. */
const bothEnds = [...bytes("memory", "heap", "RSS"), ...eachEnd];

/** Connections that open streams are spread over: servers need not take thousands on one. */
const streamClients = Array.from({ length: 10 }, (_, i) => `stream client ${i}`);

interface Load {
  readonly name: string;
  readonly metrics: readonly Metric[];
  readonly count: number;
  /** How many it is spread over: 1 where the whole is what is asked for. */
  readonly per: number;
  /** Connects, and does what must not count. */
  before(pair: Pair): Promise<number>;
  load(pair: Pair, port: number): Promise<unknown>;
  readonly turnMs: number;
}

function loadsOf(plan: Plan): Load[] {
  const some = (count: number) => (plan.smoke ? 10 : count);
  const connections = some(2000);
  const streams = some(5000);
  const queued = some(5000);
  const calls = plan.smoke ? 100 : plan.seconds >= 2 ? 1_000_000 : 100_000;
  const warm = async (pair: Pair) => {
    const port = await pair.connect();
    await pair.client.ask("calls", { count: some(3000) });
    return port;
  };
  return [
    {
      name: "an idle connection",
      metrics: bothEnds,
      count: connections,
      per: connections,
      before: async (pair) => {
        const port = await warm(pair);
        await pair.client.ask("openConnections", { port, count: 10 });
        return port;
      },
      load: (pair, port) => pair.client.ask("openConnections", { port, count: connections }),
      turnMs: 5000,
    },
    {
      name: "an open stream",
      metrics: bothEnds,
      count: streams,
      per: streams,
      before: async (pair) => {
        const port = await warm(pair);
        for (const client of streamClients) {
          await pair.client.ask("connect", { contender: pair.contender, port, name: client });
          await pair.client.ask("openStreams", { count: 10, client });
        }
        return port;
      },
      load: async (pair) => {
        for (const client of streamClients)
          await pair.client.ask("openStreams", { count: streams / streamClients.length, client });
      },
      turnMs: 5000,
    },
    {
      name: "a call that waits for its connection",
      metrics: clientOnly,
      count: queued,
      per: queued,
      before: async (pair) => {
        const port = await pair.server.ask("listenMute", undefined);
        await pair.client.ask("connect", { contender: pair.contender, port });
        await pair.client.ask("startCalls", { count: 10 });
        return port;
      },
      load: (pair) => pair.client.ask("startCalls", { count: queued }),
      turnMs: 2000,
    },
    {
      name: `growth over ${calls.toLocaleString("en")} calls`,
      // A heap may also shrink.
      metrics: eachEnd.map((metric) => ({ ...metric, hasNoRatio: true })),
      count: calls,
      per: 1,
      before: warm,
      load: (pair) => pair.client.ask("calls", { count: calls }),
      turnMs: calls / 6,
    },
  ];
}

export const memory: Suite = {
  name: "memory",
  about:
    "What a thing adds after a garbage collection, at both ends together and at each, in fresh processes for each sample. " +
    "The heap is that of JavaScript with the buffers that it holds. Memory is the objects of JavaScript with all that is " +
    "outside of their heap, where node:http2 and TLS keep most of what they have. The resident set (RSS) has the empty " +
    "pages of the heap as well, which V8 takes and gives back by how fast things are made, not by how many are kept. The " +
    "last case is not per call: it is by how much the process has grown after all of them.",
  async prepare(plan) {
    const running = new Map<string, Pair>();
    const cases = loadsOf(plan).map(
      (load): Case => ({
        name: load.name,
        metrics: load.metrics,
        baseline: grpcJs.name,
        rounds: roundsOf(plan, load.per === 1 ? 1 : 3),
        turnMs: plan.smoke ? 1000 : load.turnMs,
        timeoutMs: 60_000 + 10 * load.turnMs,
        turns: [grpcJs, ...trunkline].map(({ name: contender }) => ({
          contender,
          measure: async () => {
            const pair = new Pair(contender, ["--expose-gc"]);
            running.set(contender, pair);
            try {
              return await measure(pair, load);
            } finally {
              pair.stop();
            }
          },
        })),
      }),
    );
    const stop = (contender?: string) => {
      for (const [name, pair] of running) if (contender === undefined || contender === name) pair.stop();
    };
    return { cases, stop };
  },
};

async function measure(pair: Pair, load: Load): Promise<Record<string, number>> {
  const port = await load.before(pair);
  const before = await settled(pair);
  await load.load(pair, port);
  const after = await settled(pair);
  const added = (end: "client" | "server", what: Exclude<keyof Usage, "cpuMicros">) =>
    (after[end][what] - before[end][what]) / load.per;
  const client = { memory: added("client", "memoryBytes"), heap: added("client", "heapBytes") };
  const server = { memory: added("server", "memoryBytes"), heap: added("server", "heapBytes") };
  return {
    memory: client.memory + server.memory,
    heap: client.heap + server.heap,
    RSS: added("client", "rssBytes") + added("server", "rssBytes"),
    "client memory": client.memory,
    "client heap": client.heap,
    "server memory": server.memory,
    "server heap": server.heap,
  };
}

async function settled(pair: Pair): Promise<{ readonly client: Usage; readonly server: Usage }> {
  return {
    client: await pair.client.ask("usage", { collect: true }),
    server: await pair.server.ask("usage", { collect: true }),
  };
}
