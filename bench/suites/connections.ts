import { grpcJs, trunkline } from "../contenders/contenders.js";
import { knee, median } from "../measure/statistics.js";
import { Pairs } from "../processes/pair.js";
import {
  type Case,
  type Metric,
  type Plan,
  type Result,
  roundsOf,
  type Suite,
  timeoutOf,
  turnMillis,
  warmUpMillis,
} from "./suite.js";

const metrics: readonly Metric[] = [
  { name: "throughput", unit: "calls/s", better: "more" },
  { name: "response time", unit: "ms", better: "less" },
];

/** Short connections leave sockets behind that the kernel keeps for a while: fewer rounds keep within its ports. */
const rounds = 5;

const callersOf = (plan: Plan) => (plan.smoke ? [1, 20] : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);

const sides = [grpcJs, ...trunkline].flatMap(({ name }) => [
  { contender: name, short: false, label: `${name}, long` },
  { contender: name, short: true, label: `${name}, short` },
]);

const caseName = (callers: number) => `${callers} concurrent ${callers === 1 ? "caller" : "callers"}`;

export const connections: Suite = {
  name: "connections",
  about:
    "The small unary call by more and more concurrent callers, on one long connection that all share against a new " +
    "connection for each call: opened for it, closed after it. The knee of a curve is the fewest callers that bring nine " +
    'tenths of its most throughput. The short ones of trunkline are those of `connection: "short"`; with grpc-js by ' +
    "hand each is a client, a call, and a close.",
  async prepare(plan) {
    const pairs = new Pairs((pair) => pair.connect());
    const known = new Set<string>();
    const turnMs = turnMillis(plan, rounds);
    const cases = callersOf(plan).map((callers): Case => {
      const run = async (side: (typeof sides)[number], millis: number, concurrent = callers) => {
        // A pair for each side: leftovers of short connections must not burden the long one.
        const { pair, connected: port } = await pairs.get(side.contender, side.label);
        return side.short
          ? pair.client.ask("short", { port, callers: concurrent, millis })
          : pair.client.ask("echo", { shape: "small", style: "plain", inFlight: concurrent, millis });
      };
      return {
        name: caseName(callers),
        metrics,
        baseline: sides[0]!.label,
        rounds: roundsOf(plan, rounds),
        turnMs,
        timeoutMs: timeoutOf(turnMs, plan),
        turns: sides.map((side) => ({
          contender: side.label,
          warmUp: async () => {
            if (!known.has(side.label)) await run(side, warmUpMillis(plan, true), plan.smoke ? 1 : 50);
            known.add(side.label);
            await run(side, warmUpMillis(plan, false));
          },
          measure: async () => {
            const { calls, elapsedMs, p50Ms } = await run(side, turnMs);
            return { throughput: (calls * 1000) / elapsedMs, "response time": p50Ms };
          },
        })),
      };
    });
    return { cases, derive: (results) => knees(results, plan), stop: (contender) => pairs.stop(contender) };
  },
};

function knees(results: readonly Result[], plan: Plan): Result[] {
  return sides.flatMap(({ label }) => {
    const curves = callersOf(plan).map((callers) => ({
      callers,
      throughputs: results.find(
        (one) => one.case === caseName(callers) && one.contender === label && one.metric === "throughput",
      )?.samples,
    }));
    if (curves.some(({ throughputs }) => throughputs === undefined)) return [];
    // A knee for each round, so that its spread is known too.
    const samples = curves[0]!.throughputs!.map((_, round) =>
      knee(curves.map(({ callers, throughputs }) => ({ callers, throughput: throughputs![round]! }))),
    );
    return [
      {
        suite: "connections",
        case: "knee of the curve",
        contender: label,
        metric: "knee",
        unit: "callers",
        better: "more",
        baseline: sides[0]!.label,
        median: median(samples),
        samples,
      } satisfies Result,
    ];
  });
}
