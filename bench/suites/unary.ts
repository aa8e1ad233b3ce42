import type { CallStyle, Contender, Shape } from "../contenders/contender.js";
import { baseline, encrypted, grpcJs, mixed, rawHttp2, rawNet, stacks, trunkline } from "../contenders/contenders.js";
import { type PairLoop, Pairs } from "../processes/pair.js";
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

const metrics: readonly Metric[] = [
  { name: "throughput", unit: "calls/s", better: "more" },
  { name: "client CPU", unit: "µs/call", better: "less" },
  { name: "server CPU", unit: "µs/call", better: "less" },
  { name: "p50", unit: "ms", better: "less" },
  { name: "p99", unit: "ms", better: "less" },
];

/** Of both ends together. */
const growthMetrics: readonly Metric[] = [
  { name: "CPU at 1,000", unit: "µs/call", better: "less" },
  { name: "CPU at 100", unit: "µs/call", better: "less" },
  { name: "growth", unit: "1,000 ÷ 100", better: "less", hasNoRatio: true },
];

interface Message {
  readonly shape: Shape;
  readonly style: CallStyle;
}

interface Calls extends Message {
  readonly inFlight: number;
}

const messages: readonly (Message & { readonly name: string })[] = [
  { name: "20 B", shape: "small", style: "plain" },
  { name: "20 B, deadline + signal + metadata", shape: "small", style: "with deadline, signal, metadata" },
  { name: "1 KB", shape: "order", style: "plain" },
];

/** A hundred of the small one: what the cases that are not of the grid send. */
const hundred: Calls = { shape: "small", style: "plain", inFlight: 100 };

/** The pairs of the suite, and what each has been warmed up for. */
class Echoes {
  readonly pairs = new Pairs((pair) => pair.connect());
  readonly #known = new Set<string>();
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async run(contender: string, calls: Calls, millis: number): Promise<PairLoop> {
    const { pair } = await this.pairs.get(contender);
    return pair.measured(() => pair.client.ask("echo", { ...calls, millis }));
  }

  async warmUp(contender: string, calls: Calls): Promise<void> {
    if (!this.#known.has(contender)) await this.#compileAll(contender);
    this.#known.add(contender);
    await this.run(contender, calls, warmUpMillis(this.#plan, false));
  }

  /** The first case has one call in flight: too few for the compiler to have seen enough. */
  async #compileAll(contender: string): Promise<void> {
    const inFlight = this.#plan.smoke ? 1 : 100;
    for (const { shape, style } of messages)
      await this.run(contender, { shape, style, inFlight }, warmUpMillis(this.#plan, true) / 2);
  }
}

export const unary: Suite = {
  name: "unary",
  about:
    "An echo, a client process and a server process. The small message has 20 bytes; the other about 1 KB, nested, with " +
    "strings and a map. CPU is that of all threads of a process. With TLS all have the same certificate, and the version " +
    "and cipher that Node.js prefers. What a call costs with 1,000 in flight is measured in turns with what it costs with " +
    "100: CPU of both ends together.",
  async prepare(plan) {
    const echoes = new Echoes(plan);
    const turnMs = turnMillis(plan);
    const common = { rounds: roundsOf(plan), turnMs, timeoutMs: timeoutOf(turnMs, plan) };
    /** Ratios are to the first of the contenders, unless it is said otherwise. */
    const echo = (name: string, calls: Calls, contenders: readonly Contender[], base = contenders[0]!.name): Case => ({
      ...common,
      name,
      metrics,
      baseline: base,
      turns: contenders.map(({ name: contender }) => ({
        contender,
        warmUp: () => echoes.warmUp(contender, calls),
        measure: async () => samplesOf(await echoes.run(contender, calls, turnMs)),
      })),
    });
    const growth: Case = {
      ...common,
      name: "20 B, 1,000 in flight beside 100",
      metrics: growthMetrics,
      baseline,
      turns: [rawHttp2, grpcJs, ...trunkline].map(({ name: contender }) => ({
        contender,
        warmUp: () => echoes.warmUp(contender, { ...hundred, inFlight: 1000 }),
        measure: async () => {
          const few = cpuOf(await echoes.run(contender, hundred, turnMs / 2));
          const many = cpuOf(await echoes.run(contender, { ...hundred, inFlight: 1000 }, turnMs / 2));
          return { "CPU at 1,000": many, "CPU at 100": few, growth: many / few };
        },
      })),
    };
    const grid = messages.flatMap(({ name, shape, style }) =>
      (plan.smoke ? [1, 100] : [1, 16, 100, 500, 1000]).map((inFlight) =>
        echo(
          `${name}, ${inFlight.toLocaleString("en")} in flight`,
          { shape, style, inFlight },
          inFlight === 1 ? [rawNet, ...stacks] : stacks,
          baseline,
        ),
      ),
    );
    const cases = [
      ...grid,
      growth,
      echo("20 B, 100 in flight, one end trunkline", hundred, mixed),
      echo("20 B, 100 in flight, TLS", hundred, encrypted),
    ];
    return { cases, stop: (contender) => echoes.pairs.stop(contender) };
  },
};

function samplesOf({ calls, elapsedMs, cpuMicros, serverCpuMicros, p50Ms, p99Ms }: PairLoop): Record<string, number> {
  return {
    throughput: (calls * 1000) / elapsedMs,
    "client CPU": cpuMicros / calls,
    "server CPU": serverCpuMicros / calls,
    p50: p50Ms,
    p99: p99Ms,
  };
}

/** µs of both ends, per call. */
function cpuOf({ calls, cpuMicros, serverCpuMicros }: PairLoop): number {
  return (cpuMicros + serverCpuMicros) / calls;
}
