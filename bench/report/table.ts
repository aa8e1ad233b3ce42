/** Results as tables, one for each case: a row for each contender, a column for each metric. */
import { isWide, ratio, spread, wideSpread } from "../measure/statistics.js";
import type { Failure, Result } from "../suites/suite.js";
import { formatRatio, formatValue, wideMark } from "./numbers.js";

export interface Table {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
}

export const legend =
  "median, spread (the middle half of the samples, as a part of the median), ratio to the baseline, which is 1.00×; " +
  `${wideMark} marks a spread of more than ${wideSpread * 100} %, too wide to judge by`;

export function tablesOf(results: readonly Result[], failures: readonly Failure[]): Table[] {
  const cases = [...new Set([...results, ...failures].map((one) => one.case))];
  return cases.map((name) => {
    const own = results.filter((one) => one.case === name);
    const failed = failures.filter((one) => one.case === name);
    const metrics = [...new Map(own.map(({ metric, unit }) => [metric, unit]))];
    const contenders = [...new Set([...own, ...failed].map(({ contender }) => contender))];
    const rows = contenders.map((contender) => {
      const failure = failed.find((one) => one.contender === contender);
      if (failure !== undefined) return [contender, `FAILED: ${failure.error}`];
      return [contender, ...metrics.map(([metric]) => cell(own, contender, metric))];
    });
    const head = metrics.map(([metric, unit]) => (unit === "bytes" ? metric : `${metric}, ${unit}`));
    return { title: name, rows: [["", ...head], ...rows] };
  });
}

function cell(results: readonly Result[], contender: string, metric: string): string {
  const find = (name: string | undefined) => results.find((one) => one.contender === name && one.metric === metric);
  const result = find(contender);
  if (result === undefined) return "";
  const { median, samples, unit } = result;
  const parts = [formatValue(median, unit)];
  if (samples.length > 1) parts.push(`±${Math.round(spread(samples) * 100)}%${isWide(samples) ? wideMark : ""}`);
  const base = find(result.baseline);
  // Of a baseline that is nothing, or less than nothing, there is no ratio.
  if (base !== undefined && base.median > 0) parts.push(formatRatio(ratio(samples, base.samples)));
  return parts.join(" ");
}

/** For a terminal. */
export function formatText({ title, rows }: Table): string {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.filter((row) => i < 1 || !isFailed(row)).map((row) => row[i]!.length)),
  );
  const lines = rows.map((row) =>
    row
      .map((text, i) => (i === 0 || isFailed(row) ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i]!)))
      .join("  "),
  );
  return [title, ...lines.map((line) => `  ${line.trimEnd()}`)].join("\n");
}

/** For documentation. */
export function formatMarkdown({ rows }: Table): string {
  const [head, ...body] = rows;
  const line = (row: readonly string[]) => `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head!), line(head!.map((_, i) => (i === 0 ? "---" : "--:"))), ...body.map(line)].join("\n");
}

const isFailed = (row: readonly string[]) => row[1]?.startsWith("FAILED") ?? false;
