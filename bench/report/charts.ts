/** What the chart of each suite shows: the cases that tell most. The rest is in the tables. */

import { isWide, ratio } from "../measure/statistics.js";
import type { Result } from "../suites/suite.js";
import { type Lines, type Panel, renderChart } from "./chart.js";
import { formatRatio, formatValue, wideMark } from "./numbers.js";

export function chartOf(suite: string, results: readonly Result[]): string {
  const own = results.filter((one) => one.suite === suite);
  const panels = suite === "connections" ? curves(own) : shown(suite, own).map(barsOf);
  const marked = panels.some(
    (panel) => panel.kind === "bars" && panel.rows.some(({ label }) => label.endsWith(wideMark)),
  );
  return renderChart(`${titles[suite] ?? suite}${marked ? ` — ${wideMark} spread too wide to judge by` : ""}`, panels);
}

const titles: Readonly<Record<string, string>> = {
  unary: "Unary calls (more is better; CPU: less)",
  stream: "Streams (more is better)",
  connections: "One long connection against a connection per call (rings: the knee of a curve)",
  memory: "Memory (less is better)",
  codegen: "Code generation (less is better)",
  codec: "Codecs (less is better)",
  interceptors: "What one of twenty interceptors costs (less is better)",
};

/** The results of each panel. */
function shown(suite: string, results: readonly Result[]): (readonly Result[])[] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = `${result.case}\0${result.metric}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const wanted: Readonly<Record<string, (result: Result) => boolean>> = {
    unary: ({ metric, case: name }) =>
      metric === "throughput"
        ? !/deadline.*, (16|500|1,000) |^1 KB, (16|500|1,000) |TLS|one end/.test(name)
        : metric.endsWith("CPU") && name === "20 B, 100 in flight",
    stream: ({ metric }) => metric === "throughput",
    memory: ({ metric }) => metric.endsWith("heap"),
    codegen: ({ metric }) => /^(time|peak memory|growth)$/.test(metric),
    interceptors: ({ metric }) => metric.endsWith("each"),
  };
  const want = wanted[suite] ?? (() => true);
  // CPU after all throughputs: side by side with its other end.
  const late = ([first]: readonly Result[]) => (suite === "unary" && first!.metric.endsWith("CPU") ? 1 : 0);
  return [...groups.values()].filter(([first]) => want(first!)).sort((a, b) => late(a) - late(b));
}

function barsOf(results: readonly Result[]): Panel {
  const { case: name, metric, unit } = results[0]!;
  return {
    kind: "bars",
    title: `${name}: ${metric}${unit === "bytes" ? "" : `, ${unit}`}`,
    rows: results.map(({ contender, median, samples, baseline }) => {
      const base = results.find((one) => one.contender === baseline);
      const times = base === undefined || base.median <= 0 ? "" : ` (${formatRatio(ratio(samples, base.samples))})`;
      const mark = isWide(samples) ? ` ${wideMark}` : "";
      return { series: contender, value: median, label: `${formatValue(median, unit)}${times}${mark}` };
    }),
  };
}

function curves(results: readonly Result[]): Lines[] {
  const contenders = [...new Set(results.map(({ contender }) => contender))];
  return ["throughput", "response time"].map((metric) => ({
    kind: "lines",
    title: `${metric}, ${results.find((one) => one.metric === metric)?.unit}`,
    xTitle: "concurrent callers",
    series: contenders.map((name) => ({
      name,
      points: results
        .filter((one) => one.contender === name && one.metric === metric)
        .map((one) => ({ x: Number.parseInt(one.case, 10), y: one.median })),
      mark: results.find((one) => one.contender === name && one.metric === "knee")?.median,
    })),
  }));
}
