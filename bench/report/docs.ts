/** docs/benchmarks.md and its charts, from the committed reports. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Result, Suite } from "../suites/suite.js";
import { suites } from "../suites/suites.js";
import { chartOf } from "./charts.js";
import { type Report, readReport } from "./report.js";
import { formatMarkdown, legend, tablesOf } from "./table.js";
import { targetTable } from "./target-table.js";

/** From dist/report. */
const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

const begin = "<!-- figures: made by `npm run bench -- --docs` -->";
const end = "<!-- /figures -->";

/**
 * Writes the figures between the markers of the page, and leaves what people wrote around them. A suite's figures are
 * those of the newest report that has it, so that one suite can be measured anew.
 */
export function writeDocs(): void {
  const page = readFileSync(path("docs/benchmarks.md"), "utf8");
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place for figures: ${begin} … ${end}`);
  // Reports are named after their days; the newest first.
  const files = readdirSync(path("bench/results"))
    .filter((name) => name.endsWith(".json"))
    .sort();
  const reports = files.reverse().map((file) => ({ file, report: readReport(path(`bench/results/${file}`)) }));
  const newest = suites.flatMap((suite) => {
    const found = reports.find(({ report }) => has(report, suite));
    return found === undefined ? [] : [{ suite, ...found }];
  });
  const sections = newest.map(({ suite, report, file }) => {
    plotSuite(path("docs/bench"), report, suite);
    return section(suite, report, file);
  });
  if (sections.length === 0)
    throw new Error("bench/results/ has no report: npm run bench -- --json bench/results/DATE.json");
  const results = newest.flatMap(({ suite, report }) => report.results.filter((one) => one.suite === suite.name));
  const text = [`In the tables: ${legend}.`, ...targetSection(results), ...sections].join("\n\n");
  writeFileSync(path("docs/benchmarks.md"), `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`);
}

/** A chart for each suite that has results. */
export function plot(folder: string, report: Report): void {
  for (const suite of suites) if (has(report, suite)) plotSuite(folder, report, suite);
}

function has({ results }: Report, { name }: Suite): boolean {
  return results.some(({ suite }) => suite === name);
}

function plotSuite(folder: string, { results }: Report, { name }: Suite): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.svg`, chartOf(name, results));
}

function targetSection(results: readonly Result[]): string[] {
  const table = targetTable(results);
  if (table === undefined) return [];
  const about =
    "What the transport http2 and the plugin are to reach, and what the tables below have of it: ratios to a contender that " +
    "took turns with them, or figures with a unit. Where a target has several figures, each has to be within its bound.";
  return [`## targets\n\n${about}\n\n${formatMarkdown(table)}`];
}

function section(
  { name, about }: Suite,
  { machine, versions, date, seconds, results, failures }: Report,
  file: string,
): string {
  const own = <One extends { readonly suite: string }>(all: readonly One[]) =>
    all.filter(({ suite }) => suite === name);
  const list = Object.entries(versions).map((pair) => pair.join(" "));
  return [
    `## ${name}`,
    about,
    `![${name}](bench/${name}.svg)`,
    ...tablesOf(own(results), own(failures)).flatMap((table) => [`**${table.title}**`, formatMarkdown(table)]),
    `Measured on ${date}, ${seconds} s per contender and case: ${machine.cpu}, ${machine.cores} cores, ` +
      `${machine.memoryGb} GB, ${machine.system}. Versions: ${list.join(", ")}. ` +
      `Every sample: [bench/results/${file}](../bench/results/${file}).`,
  ].join("\n\n");
}
