import type { StreamShape } from "../contenders/contender.js";
import { baseline, stacks } from "../contenders/contenders.js";
import { Pairs } from "../processes/pair.js";
import { type Case, roundsOf, type Suite, timeoutOf, turnMillis, warmUpMillis } from "./suite.js";

interface Flow {
  readonly name: string;
  readonly direction: "download" | "upload" | "pingPong";
  readonly shape: StreamShape;
  readonly streams: number;
  /** Messages per call: so many that the call itself does not count. */
  readonly count: number;
}

const flows: readonly Flow[] = [
  { name: "server streaming, 20 B", direction: "download", shape: "small", streams: 1, count: 2000 },
  { name: "client streaming, 20 B", direction: "upload", shape: "small", streams: 1, count: 2000 },
  { name: "bidi ping-pong, 20 B, 1 stream", direction: "pingPong", shape: "small", streams: 1, count: 200 },
  { name: "bidi ping-pong, 20 B, 100 streams", direction: "pingPong", shape: "small", streams: 100, count: 50 },
  { name: "server streaming, 64 KB", direction: "download", shape: "chunk", streams: 1, count: 100 },
  { name: "client streaming, 64 KB", direction: "upload", shape: "chunk", streams: 1, count: 100 },
];

export const stream: Suite = {
  name: "stream",
  about: "Streams of many messages, at the pace that each stack sets. A ping-pong sends its next message on the echo.",
  async prepare(plan) {
    const pairs = new Pairs((pair) => pair.connect());
    const known = new Set<string>();
    const turnMs = turnMillis(plan);
    const cases = flows.map(({ name, direction, shape, streams, count: fullCount }): Case => {
      const count = plan.smoke ? 5 : fullCount;
      const throughput =
        shape === "chunk"
          ? ({ name: "throughput", unit: "MB/s", better: "more" } as const)
          : ({ name: "throughput", unit: "messages/s", better: "more" } as const);
      const perMessage = shape === "chunk" ? (64 * 1024) / 1e6 : 1;
      const run = async (contender: string, millis: number) => {
        const { pair } = await pairs.get(contender);
        return pair.measured(() => pair.client.ask("stream", { direction, shape, streams, count, millis }));
      };
      return {
        name,
        metrics: [
          throughput,
          { name: "client CPU", unit: "µs/message", better: "less" },
          { name: "server CPU", unit: "µs/message", better: "less" },
        ],
        baseline,
        rounds: roundsOf(plan),
        turnMs,
        timeoutMs: timeoutOf(turnMs, plan),
        turns: stacks.map(({ name: contender }) => ({
          contender,
          warmUp: async () => {
            await run(contender, warmUpMillis(plan, !known.has(contender)));
            known.add(contender);
          },
          measure: async () => {
            const { calls, elapsedMs, cpuMicros, serverCpuMicros } = await run(contender, turnMs);
            const messages = calls * count;
            return {
              throughput: (messages * perMessage * 1000) / elapsedMs,
              "client CPU": cpuMicros / messages,
              "server CPU": serverCpuMicros / messages,
            };
          },
        })),
      };
    });
    return { cases, stop: (contender) => pairs.stop(contender) };
  },
};
