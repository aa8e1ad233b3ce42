import type { CallStyle, Shape } from "../contenders/contender.js";
import { baseline, stacks } from "../contenders/contenders.js";
import { Pairs } from "../processes/pair.js";
import { type Case, type Metric, roundsOf, type Suite, timeoutOf, turnMillis, warmUpMillis } from "./suite.js";

const metrics: readonly Metric[] = [
  { name: "throughput", unit: "calls/s", better: "more" },
  { name: "client CPU", unit: "µs/call", better: "less" },
  { name: "server CPU", unit: "µs/call", better: "less" },
  { name: "p50", unit: "ms", better: "less" },
  { name: "p99", unit: "ms", better: "less" },
];

const messages: readonly { readonly name: string; readonly shape: Shape; readonly style: CallStyle }[] = [
  { name: "20 B", shape: "small", style: "plain" },
  { name: "20 B, deadline + signal + metadata", shape: "small", style: "with deadline, signal, metadata" },
  { name: "1 KB", shape: "order", style: "plain" },
];

export const unary: Suite = {
  name: "unary",
  about:
    "An echo, a client process and a server process. The small message has 20 bytes; the other about 1 KB, nested, with " +
    "strings and a map. CPU is that of all threads of a process.",
  async prepare(plan) {
    const pairs = new Pairs((pair) => pair.connect());
    const known = new Set<string>();
    const turnMs = turnMillis(plan);
    /** The first case has one call in flight: too few for the compiler to have seen enough. */
    const compileAll = async (contender: string) => {
      const { pair } = await pairs.get(contender);
      for (const { shape, style } of messages) {
        await pair.client.ask("echo", {
          shape,
          style,
          inFlight: plan.smoke ? 1 : 100,
          millis: warmUpMillis(plan, true) / 2,
        });
      }
    };
    const cases = messages.flatMap(({ name, shape, style }) =>
      [1, 16, 100, 500].map((inFlight): Case => {
        const run = async (contender: string, millis: number) => {
          const { pair } = await pairs.get(contender);
          return pair.measured(() => pair.client.ask("echo", { shape, style, inFlight, millis }));
        };
        return {
          name: `${name}, ${inFlight} in flight`,
          metrics,
          baseline,
          rounds: roundsOf(plan),
          turnMs,
          timeoutMs: timeoutOf(turnMs, plan),
          turns: stacks.map(({ name: contender }) => ({
            contender,
            warmUp: async () => {
              if (!known.has(contender)) await compileAll(contender);
              known.add(contender);
              await run(contender, warmUpMillis(plan, false));
            },
            measure: async () => {
              const { calls, elapsedMs, cpuMicros, serverCpuMicros, p50Ms, p99Ms } = await run(contender, turnMs);
              return {
                throughput: (calls * 1000) / elapsedMs,
                "client CPU": cpuMicros / calls,
                "server CPU": serverCpuMicros / calls,
                p50: p50Ms,
                p99: p99Ms,
              };
            },
          })),
        };
      }),
    );
    return { cases, stop: (contender) => pairs.stop(contender) };
  },
};
