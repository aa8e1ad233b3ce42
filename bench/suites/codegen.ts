import { type Plugin, plugins } from "../codegen/plugins.js";
import {
  directoryRequests,
  everythingRequest,
  googleRequest,
  type PluginRequest,
  smallRequest,
} from "../codegen/requests.js";
import { runPlugin } from "../codegen/run-plugin.js";
import { type Case, type Metric, type Plan, roundsOf, type Suite } from "./suite.js";

const metrics: readonly Metric[] = [
  { name: "time", unit: "s", better: "less" },
  { name: "peak memory", unit: "MB", better: "less" },
];

interface Corpus {
  readonly name: string;
  /** A run of the plugin for each. */
  readonly requests: readonly PluginRequest[];
  readonly rounds: number;
  readonly plugins: readonly Plugin[];
  readonly turnMs: number;
}

/** Directories that are measured unless all are: the whole takes most of an hour. */
const directorySample = 32;
/** Seconds per contender and case from which on all directories are measured. */
const secondsForAll = 60;

async function corporaOf(plan: Plan): Promise<Corpus[]> {
  const small = { name: "one small proto", requests: [await smallRequest()], rounds: 10, plugins, turnMs: 400 };
  const google = await googleRequest();
  const mid = {
    name: `four Google APIs, ${google.files} files`,
    requests: [google],
    rounds: 5,
    plugins,
    turnMs: 2000,
  };
  if (plan.smoke) return [small];
  const everything = await everythingRequest();
  const all = plan.seconds >= secondsForAll;
  const { requests, directories } = await directoryRequests(all ? Number.POSITIVE_INFINITY : directorySample);
  const count = requests.length === directories ? `all ${directories}` : `${requests.length} of ${directories}`;
  return [
    small,
    mid,
    {
      name: `all Google APIs, ${everything.files.toLocaleString("en")} files, services`,
      requests: [everything],
      rounds: 3,
      plugins: plugins.filter(({ servicesOnly }) => servicesOnly),
      turnMs: 4000,
    },
    {
      name: `all Google APIs by directory, ${count}`,
      requests,
      rounds: 1,
      plugins: plugins
        .filter(({ servicesOnly }) => !servicesOnly)
        .map((plugin) => ({ ...plugin, parameter: plugin.directoryParameter ?? plugin.parameter })),
      turnMs: requests.length * 700,
    },
  ];
}

export const codegen: Suite = {
  name: "codegen",
  about:
    "The plugin's whole process, fed with the bytes that protoc sends: from its start to its end, and the most memory that " +
    "it had. The four APIs are pubsub, spanner, firestore and longrunning, with all that they import; all is the package " +
    "google-proto-files, in one request. By directory, as buf runs plugins by default, it is a process per directory: the sum of their times, the " +
    "largest of their peaks. Services alone is what only trunkline can be asked for.",
  async prepare(plan) {
    const running = new Map<string, () => void>();
    const cases = (await corporaOf(plan)).map(
      (corpus): Case => ({
        name: corpus.name,
        metrics,
        baseline: corpus.plugins[0]!.name,
        rounds: roundsOf(plan, corpus.rounds),
        turnMs: corpus.turnMs,
        timeoutMs: 60_000 + 20 * corpus.turnMs,
        turns: corpus.plugins.map((plugin) => ({
          contender: plugin.name,
          measure: async () => {
            let seconds = 0;
            let peakBytes = 0;
            for (const request of corpus.requests) {
              const run = await runPlugin(plugin, request, (stop) => running.set(plugin.name, stop));
              seconds += run.seconds;
              peakBytes = Math.max(peakBytes, run.peakBytes);
            }
            return { time: seconds, "peak memory": peakBytes / 1e6 };
          },
        })),
      }),
    );
    const stop = (contender?: string) => {
      for (const [name, end] of running) if (contender === undefined || contender === name) end();
    };
    return { cases, stop };
  },
};
