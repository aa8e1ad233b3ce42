/** npm run bench: measures, shows, and leaves what it was asked to leave. */
import { resolve } from "node:path";
import { FlagError, parseCommand } from "./flags.js";
import { Progress } from "./measure/progress.js";
import { runCases } from "./measure/rounds.js";
import { chosenCases } from "./measure/selection.js";
import { endAllWithThisProcess } from "./processes/live.js";
import { plot, writeDocs } from "./report/docs.js";
import { reportOf, writeReport } from "./report/report.js";
import { formatText, legend, tablesOf } from "./report/table.js";
import { targetTable } from "./report/target-table.js";
import type { Failure, Result } from "./suites/suite.js";
import { suites } from "./suites/suites.js";
import { requireMeasured } from "./targets.js";

async function main(args: readonly string[]): Promise<number> {
  const command = parseCommand(
    args,
    suites.map(({ name }) => name),
  );
  if (command.kind === "docs") {
    writeDocs();
    console.log("docs/benchmarks.md and docs/bench/ are made from bench/results/");
    return 0;
  }
  const { seconds, smoke, all: everything, json, plot: folder } = command;
  const chosen = suites.filter(({ name }) => command.suites.includes(name));
  if (!process.stderr.isTTY) process.stderr.write(`preparing ${command.suites.join(", ")}\n`);
  const all = await Promise.all(
    chosen.map(async (suite) => ({ suite, prepared: await suite.prepare({ seconds, smoke, all: everything }) })),
  );
  for (const { suite, prepared } of all) requireMeasured(suite.name, prepared.cases);
  const prepared = chosenCases(all, command);
  const progress = new Progress(
    prepared.flatMap((one) => one.prepared.cases),
    process.stderr,
  );
  const results: Result[] = [];
  const failures: Failure[] = [];
  for (const { suite, prepared: ready } of prepared) {
    const outcome = await runCases(suite.name, ready, progress);
    ready.stop();
    progress.clear();
    console.log(`\n${suite.name.toUpperCase()}\n`);
    for (const table of tablesOf(outcome.results, outcome.failures)) console.log(`${formatText(table)}\n`);
    results.push(...outcome.results);
    failures.push(...outcome.failures);
    // After each suite: what is done is not lost when the next one is cut short.
    const report = reportOf(seconds, results, failures);
    if (json !== undefined) writeReport(resolve(json), report);
    if (folder !== undefined) plot(resolve(folder), report);
  }
  // Of a tiny run a verdict would be wrong.
  const table = smoke ? undefined : targetTable(results);
  if (table !== undefined) console.log(`TARGETS\n\n${formatText(table)}\n`);
  console.log(legend);
  const failed = [...new Set(failures.map(({ suite, contender, error }) => `${suite}: ${contender} ${error}`))];
  for (const line of failed) console.error(`FAILED ${line}`);
  if (smoke) refuseGaps(results);
  return failed.length === 0 ? 0 : 1;
}

/** What a smoke run is for: that there is a number wherever one belongs. */
function refuseGaps(results: readonly Result[]): void {
  const gaps = results.filter(({ samples }) => samples.length === 0 || !samples.every(Number.isFinite));
  if (results.length === 0 || gaps.length > 0) {
    throw new Error(
      `no number for ${gaps.map((one) => `${one.suite}, ${one.case}, ${one.contender}, ${one.metric}`).join("; ")}`,
    );
  }
}

endAllWithThisProcess();
try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof FlagError ? error.message : error);
  process.exit(error instanceof FlagError ? 2 : 1);
}
