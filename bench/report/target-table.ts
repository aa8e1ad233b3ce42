/** The targets beside what a run has measured of them. */
import { isWide, median, ratios, spread } from "../measure/statistics.js";
import type { Result } from "../suites/suite.js";
import { type Figure, type Target, targets } from "../targets.js";
import { formatRatio, formatValue, wideMark } from "./numbers.js";
import type { Table } from "./table.js";

/** Those of the suites that were measured; none where nothing was that a target is about. */
export function targetTable(results: readonly Result[]): Table | undefined {
  const suites = new Set(results.map(({ suite }) => suite));
  const asked = targets.filter(({ suite }) => suites.has(suite));
  const measured = asked.map((target) => target.figures.map((figure) => samplesOf(target, figure, results)));
  if (measured.flat().every((samples) => samples.length === 0)) return undefined;
  const rows = asked.map((target, i) => {
    const { name, contender, over, bound, value, figures } = target;
    return [
      name,
      figures.map(({ label }, j) => cell(label, measured[i]![j]!, target.unit)).join(", "),
      `${bound === "at least" ? "≥" : "≤"} ${value}${target.unit === undefined ? "" : ` ${target.unit}`}`,
      verdict(target, measured[i]!),
      over === undefined ? contender : `${contender} ÷ ${over}`,
    ];
  });
  return { title: "what is to be reached", rows: [["", "ratio", "target", "met", "of"], ...rows] };
}

/** The ratio of each turn. */
function samplesOf(target: Target, figure: Figure, results: readonly Result[]): readonly number[] {
  const find = (contender: string) =>
    results.find(
      (one) =>
        one.suite === target.suite &&
        one.case === figure.case &&
        one.metric === figure.metric &&
        one.contender === contender,
    )?.samples;
  const samples = find(target.contender) ?? [];
  if (target.over === undefined) return samples;
  const base = find(target.over) ?? [];
  return samples.length === 0 || base.length === 0 ? [] : ratios(samples, base);
}

function cell(label: string | undefined, samples: readonly number[], unit: string | undefined): string {
  const parts = label === undefined ? [] : [label];
  if (samples.length === 0) return [...parts, "not measured"].join(" ");
  const middle = median(samples);
  parts.push(unit === undefined ? formatRatio(middle) : `${formatValue(middle, unit)} ${unit}`);
  if (samples.length > 1) parts.push(`±${Math.round(spread(samples) * 100)}%${isWide(samples) ? wideMark : ""}`);
  return parts.join(" ");
}

function verdict({ bound, value }: Target, figures: readonly (readonly number[])[]): string {
  if (figures.some((samples) => samples.length === 0)) return "–";
  const isMet = (ratio: number) => (bound === "at least" ? ratio >= value : ratio <= value);
  return figures.every((samples) => isMet(median(samples))) ? "yes" : "no";
}
