import { grpcJs, niceGrpc, trunkline } from "../contenders/contenders.js";
import { type Pair, Pairs } from "../processes/pair.js";
import {
  type Case,
  type Metric,
  type Plan,
  roundsOf,
  type Suite,
  timeoutOf,
  turnMillis,
  warmUpMillis,
} from "./suite.js";

const chains = [0, 1, 5, 20];

type End = "client" | "server";

const kinds: readonly { readonly name: string; readonly unit: string; readonly stream: boolean; readonly end: End }[] =
  [
    { name: "unary call, interceptors of the client", unit: "µs/call", stream: false, end: "client" },
    { name: "unary call, interceptors of the server", unit: "µs/call", stream: false, end: "server" },
    { name: "stream message, interceptors of the client", unit: "µs/message", stream: true, end: "client" },
    { name: "stream message, interceptors of the server", unit: "µs/message", stream: true, end: "server" },
  ];

export const interceptors: Suite = {
  name: "interceptors",
  about:
    "CPU that the end with the interceptors spends on a small unary call (16 in flight), or on a message of a server " +
    "stream, with 0, 1, 5 and 20 interceptors that only pass on; “each” is what one of 20 adds. Interceptors of grpc-js " +
    "pass every event on; middleware of nice-grpc is the generator of its documentation; those of trunkline return the " +
    "reply of a unary call as it is, and pass on each message of a stream.",
  async prepare(plan) {
    const pairs = new Pairs(connectAll);
    const known = new Set<string>();
    const chainMs = turnMillis(plan) / 2;
    // A turn is one of each chain.
    const turnMs = chainMs * chains.length;
    const cases = kinds.map(
      ({ name, unit, stream, end }): Case => ({
        name,
        metrics: [
          ...chains.map((count): Metric => ({ name: String(count), unit, better: "less" })),
          { name: "each", unit, better: "less", hasNoRatio: true },
        ],
        baseline: grpcJs.name,
        rounds: roundsOf(plan),
        turnMs,
        timeoutMs: timeoutOf(turnMs, plan),
        turns: [grpcJs, niceGrpc, ...trunkline].map(({ name: contender }) => ({
          contender,
          warmUp: async () => {
            const { pair } = await pairs.get(contender);
            const millis = warmUpMillis(plan, !known.has(contender));
            for (const count of chains) await run(pair, plan, stream, end, count, millis);
            known.add(contender);
          },
          measure: async () => {
            const { pair } = await pairs.get(contender);
            const costs: number[] = [];
            for (const count of chains) costs.push(await run(pair, plan, stream, end, count, chainMs));
            const longest = chains.at(-1)!;
            return {
              ...Object.fromEntries(chains.map((count, i) => [String(count), costs[i]!])),
              each: (costs.at(-1)! - costs[0]!) / longest,
            };
          },
        })),
      }),
    );
    return { cases, stop: (contender) => pairs.stop(contender) };
  },
};

const clientName = (end: End, count: number) => `${count} at the ${end}`;

/** A client for each length of chain at either end, all in the two processes of the pair. */
async function connectAll({ client, server, contender }: Pair): Promise<void> {
  const bare = await server.ask("serve", { contender, interceptors: 0 });
  for (const count of chains) {
    const chained = await server.ask("serve", { contender, interceptors: count });
    await client.ask("connect", { contender, port: bare, interceptors: count, name: clientName("client", count) });
    await client.ask("connect", { contender, port: chained, name: clientName("server", count) });
  }
}

/** CPU µs at the end that is looked at, per call or message. */
async function run(pair: Pair, plan: Plan, stream: boolean, end: End, count: number, millis: number): Promise<number> {
  const messages = stream ? (plan.smoke ? 5 : 1000) : 1;
  const client = clientName(end, count);
  const { calls, cpuMicros, serverCpuMicros } = await pair.measured(() =>
    stream
      ? pair.client.ask("stream", {
          direction: "download",
          shape: "small",
          streams: 1,
          count: messages,
          millis,
          client,
        })
      : pair.client.ask("echo", { shape: "small", style: "plain", inFlight: 16, millis, client }),
  );
  return (end === "client" ? cpuMicros : serverCpuMicros) / (calls * messages);
}
