import { caseNames, type Library, libraries, typeCheckNames } from "../codegen/names.js";
import { type Plugin, plugins } from "../codegen/plugins.js";
import {
  directoryRequests,
  everythingRequest,
  googleRequest,
  largeFileRequest,
  manyFilesRequest,
  type PluginRequest,
  smallRequest,
} from "../codegen/requests.js";
import { type PluginRun, runPlugin } from "../codegen/run-plugin.js";
import {
  generateInto,
  isKnownFault,
  lenient,
  type Stop,
  serviceFiles,
  type TypeCheck,
  typeCheck,
} from "../codegen/type-check.js";
import { type Case, type Metric, type Plan, roundsOf, type Suite, type Turn } from "./suite.js";

const metrics: readonly Metric[] = [
  { name: "time", unit: "s", better: "less" },
  { name: "CPU", unit: "s", better: "less" },
  { name: "peak memory", unit: "MB", better: "less" },
];

const directoryMetrics: readonly Metric[] = [
  ...metrics,
  { name: "directories", unit: "number", better: "more", hasNoRatio: true },
];

const growthMetrics: readonly Metric[] = [
  { name: "growth", unit: "×", better: "less", hasNoRatio: true },
  { name: "time", unit: "s", better: "less" },
  { name: "time of twice as much", unit: "s", better: "less" },
  { name: "peak memory", unit: "MB", better: "less" },
];

const typeMetrics: readonly Metric[] = [{ name: "time", unit: "s", better: "less" }];

const typeMetricsOfAll: readonly Metric[] = [
  ...typeMetrics,
  { name: "service files", unit: "number", better: "more", hasNoRatio: true },
  { name: "faults", unit: "number", better: "less", hasNoRatio: true },
  { name: "faults of ts-proto", unit: "number", better: "less", hasNoRatio: true },
];

/** Directories that are measured unless all are: all of them take most of an hour. */
const directorySample = 64;

const whole = plugins.filter(({ servicesOnly, directoriesOnly }) => !servicesOnly && directoriesOnly !== true);
const services = plugins.filter(({ servicesOnly }) => servicesOnly);
const once = plugins.filter(({ directoriesOnly }) => directoriesOnly !== true);

/** Makes cases; knows the process that runs for each contender. */
class Codegen {
  readonly #plan: Plan;
  readonly #running = new Map<string, () => void>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  stop(contender: string | undefined): void {
    for (const [name, end] of this.#running) if (contender === undefined || contender === name) end();
  }

  /** One request, which is made when it is first needed. */
  request(
    name: string,
    takers: readonly Plugin[],
    turnMs: number,
    rounds: number,
    make: () => Promise<PluginRequest>,
  ): Case {
    const request = lazily(make);
    return this.#case(name, metrics, turnMs, rounds, takers, async (plugin) =>
      samplesOf(await this.#run(plugin, await request())),
    );
  }

  /** A request and one of twice the size, in turns. */
  growth(
    name: string,
    takers: readonly Plugin[],
    turnMs: number,
    rounds: number,
    make: (times: 1 | 2) => Promise<PluginRequest>,
  ): Case {
    const [one, two] = [lazily(() => make(1)), lazily(() => make(2))];
    return this.#case(name, growthMetrics, turnMs, rounds, takers, async (plugin) => {
      const { seconds, peakBytes } = await this.#run(plugin, await one());
      const twice = await this.#run(plugin, await two());
      return {
        growth: twice.seconds / seconds,
        time: seconds,
        "time of twice as much": twice.seconds,
        "peak memory": Math.max(peakBytes, twice.peakBytes) / 1e6,
      };
    });
  }

  /** A run for each directory; contenders take turns directory by directory. */
  async directories(): Promise<Case> {
    const requests = lazily(() => directoryRequests(this.#plan.all ? Number.POSITIVE_INFINITY : directorySample));
    const takers = plugins
      .filter(({ servicesOnly }) => !servicesOnly)
      .map((plugin) => ({ ...plugin, parameter: plugin.directoryParameter ?? plugin.parameter }));
    // How many there are is known when the requests are made; making them takes as long as measuring a few.
    const rounds = this.#plan.smoke ? 1 : (await requests()).requests.length;
    const next = new Map<Plugin, number>();
    return {
      ...this.#case(caseNames.directories, directoryMetrics, 700, rounds, takers, async (plugin) => {
        const i = next.get(plugin) ?? 0;
        next.set(plugin, i + 1);
        return { ...samplesOf(await this.#run(plugin, (await requests()).requests[i]!)), directories: 1 };
      }),
      whole: sumOfDirectories,
    };
  }

  /** tsc on the messages of four APIs, and on those and their services. */
  typeCheck(library: Library): Case {
    const google = lazily(googleRequest);
    const ours = whole.find(({ parameter }) => parameter === `messages=${library}`)!;
    const name = caseNames.typeCheck(library);
    const make = (plugin: Plugin, stopped: Stop) =>
      lazily(async () => generateInto(plugin.name, plugin, await google(), stopped));
    const turn = (contender: string, plugin: Plugin, options?: TypeCheck): Turn => {
      const stopped: Stop = (stop) => this.#running.set(contender, stop);
      const folder = make(plugin, stopped);
      return {
        contender,
        warmUp: folder,
        measure: async () => {
          const { seconds, faults } = await typeCheck(await folder(), stopped, options);
          if (faults.length > 0) throw new Error(`tsc finds ${faults.length} faults, first ${faults[0]}`);
          return { time: seconds };
        },
      };
    };
    const peers = library === "ts-proto" ? [turn(grpcJsServices.name, grpcJsServices, { more: lenient })] : [];
    return {
      name,
      metrics: typeMetrics,
      baseline: typeCheckNames.messages,
      rounds: roundsOf(this.#plan, 5),
      turnMs: 3000,
      timeoutMs: 300_000,
      turns: [
        turn(typeCheckNames.messages, { ...ours, name: `${library} messages` }, { exclude: ["**/*_grpc.ts"] }),
        turn(typeCheckNames.services, ours),
        ...peers,
      ],
      isLong: true,
    };
  }

  /** tsc on the services of everything, with their messages. */
  typeCheckOfAll(): Case {
    const everything = lazily(everythingRequest);
    return {
      name: "tsc on all Google APIs",
      metrics: typeMetricsOfAll,
      baseline: undefined,
      rounds: 1,
      turnMs: 600_000,
      timeoutMs: 3_600_000,
      turns: libraries.map((library) => {
        const plugin = whole.find(({ parameter }) => parameter === `messages=${library}`)!;
        const stopped: Stop = (stop) => this.#running.set(plugin.name, stop);
        return {
          contender: plugin.name,
          measure: async () => {
            const folder = await generateInto(`all ${plugin.name}`, plugin, await everything(), stopped);
            const sum = { time: 0, "service files": 0, faults: 0, "faults of ts-proto": 0 };
            for (const files of serviceFiles(folder)) {
              const { seconds, faults } = await typeCheck(folder, stopped, { files });
              const ours = faults.filter((fault) => !isKnownFault(fault));
              for (const fault of ours) process.stderr.write(`tsc: ${fault}\n`);
              sum.time += seconds;
              sum["service files"] += files.length;
              sum.faults += ours.length;
              sum["faults of ts-proto"] += faults.length - ours.length;
            }
            if (sum.faults > 0)
              throw new Error(`tsc finds ${sum.faults} faults in ${sum["service files"]} service files`);
            return sum;
          },
        };
      }),
      isLong: true,
    };
  }

  #case(
    name: string,
    of: readonly Metric[],
    turnMs: number,
    rounds: number,
    takers: readonly Plugin[],
    measure: (plugin: Plugin) => Promise<Readonly<Record<string, number>>>,
  ): Case {
    return {
      name,
      metrics: of,
      baseline: takers[0]!.name,
      rounds: roundsOf(this.#plan, rounds),
      turnMs,
      timeoutMs: 60_000 + 20 * turnMs,
      turns: takers.map((plugin) => ({ contender: plugin.name, measure: () => measure(plugin) })),
      isLong: turnMs > 400,
    };
  }

  #run(plugin: Plugin, request: PluginRequest): Promise<PluginRun> {
    return runPlugin(plugin, request, (stop) => this.#running.set(plugin.name, stop));
  }
}

/** ts-proto's own plugin, with its stubs for grpc-js, for tsc. */
const grpcJsServices: Plugin = {
  ...whole[0]!,
  name: "ts-proto's messages and grpc-js services",
  parameter: "outputServices=grpc-js,esModuleInterop=true,importSuffix=.js",
};

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function samplesOf({ seconds, cpuSeconds, peakBytes }: PluginRun): Record<string, number> {
  return { time: seconds, CPU: cpuSeconds, "peak memory": peakBytes / 1e6 };
}

function sumOfDirectories(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all = (name: string) => parts.map((part) => part[name]!);
  const sum = (name: string) => all(name).reduce((total, value) => total + value, 0);
  return {
    time: sum("time"),
    CPU: sum("CPU"),
    "peak memory": Math.max(...all("peak memory")),
    directories: sum("directories"),
  };
}

export const codegen: Suite = {
  name: "codegen",
  about:
    "The plugin's whole process, fed with the bytes that protoc sends: from its start to its end, its CPU, and the most memory that " +
    "it had. The four APIs are pubsub, spanner, firestore and longrunning, with all that they import; all is the package " +
    "google-proto-files, 7,208 files with 1,872 services. By directory, as buf runs plugins by default, it is a process per directory, and contenders " +
    "take turns directory by directory: the sum of their times, the largest of their peaks. There ts-proto emits a directory's own files, or, “with imports”, " +
    `those that it imports too, as trunkline has to; ${directorySample} directories are a sample, spread evenly over all 640, unless \`--all\` asks for all. ` +
    "Services alone is what only trunkline can be asked for. Growth is the time for twice as much, divided by the time. tsc is TypeScript 7 with " +
    "every flag that generated code has to pass (fewer for ts-proto's own services, which do not). On all APIs it checks every service file, in parts of " +
    "200, with the messages that they import; faults of ts-proto are those in five of its message files (an Int64Value in a oneof).",
  async prepare(plan) {
    const codegen = new Codegen(plan);
    const cases = [
      codegen.request("one small proto", once, 400, 10, smallRequest),
      codegen.request("four Google APIs", once, 2000, 5, googleRequest),
      codegen.request(caseNames.everything, services, 4000, 3, everythingRequest),
      codegen.growth(caseNames.largeFile, services, 1500, 5, (times) => largeFileRequest(2000 * times, 1000 * times)),
      codegen.growth(caseNames.manyFiles, services, 2500, 5, (times) => manyFilesRequest(1000 * times)),
      codegen.growth("400 messages and 200 rpcs in one file beside twice as many", whole, 4000, 3, (times) =>
        largeFileRequest(400 * times, 200 * times),
      ),
      await codegen.directories(),
      ...libraries.map((library) => codegen.typeCheck(library)),
      ...(plan.all ? [codegen.typeCheckOfAll()] : []),
    ];
    return { cases, stop: (contender) => codegen.stop(contender) };
  },
};
