import { type CodecShape, codecs, shapes } from "../codecs/codecs.js";
import { WorkerProcess } from "../processes/worker-process.js";
import { type Case, type Metric, roundsOf, type Suite, timeoutOf, turnMillis, warmUpMillis } from "./suite.js";

const metrics: readonly Metric[] = [
  { name: "encode", unit: "ns", better: "less" },
  { name: "decode", unit: "ns", better: "less" },
];

const names: Record<CodecShape, string> = {
  small: "one string, 20 B",
  order: "nested with strings and a map, 1 KB",
  strings: "56 short strings, 0.6 KB",
  numbers: "193 numbers, 0.9 KB",
};

export const codec: Suite = {
  name: "codec",
  about:
    "Encoding and decoding alone, a process for each library. The peers encode a message that they made before, in their " +
    "own form; trunkline starts from the plain object that a user passes. With its defaults ts-proto reads the one int64 " +
    "of the numbers as a number, protobufjs as a Long; protobuf-es and trunkline read a bigint.",
  async prepare(plan) {
    const workers = new Map<string, WorkerProcess>();
    const run = (library: string, shape: CodecShape, millis: number) => {
      let worker = workers.get(library);
      if (worker === undefined) {
        worker = new WorkerProcess("codec");
        workers.set(library, worker);
      }
      return worker.ask("codec", { library, shape, millis });
    };
    const turnMs = turnMillis(plan);
    const cases = shapes.map(
      (shape): Case => ({
        name: names[shape],
        metrics,
        baseline: "ts-proto",
        rounds: roundsOf(plan),
        turnMs,
        timeoutMs: timeoutOf(turnMs, plan),
        turns: Object.keys(codecs).map((library) => ({
          contender: library,
          warmUp: () => run(library, shape, warmUpMillis(plan, false)),
          measure: async () => {
            const { encodeNs, decodeNs } = await run(library, shape, turnMs);
            return { encode: encodeNs, decode: decodeNs };
          },
        })),
      }),
    );
    const stop = (library?: string) => {
      for (const [name, worker] of workers) if (library === undefined || library === name) worker.stop();
    };
    return { cases, stop };
  },
};
