import { formatMarkdown } from "../../bench/report/table.js";
import { targetTable } from "../../bench/report/target-table.js";
import type { Result } from "../../bench/suites/suite.js";
import { requireMeasured, type Target, targets } from "../../bench/targets.js";

const casesOf = (suite: string) =>
  targets
    .filter((target) => target.suite === suite)
    .flatMap(({ contender, over, figures }) =>
      figures.map((figure) => ({
        name: figure.case,
        metrics: targets.flatMap((target) => target.figures.map(({ metric }) => ({ name: metric }))),
        turns: [
          contender,
          over ?? contender,
          ...targets.flatMap((target) => [target.contender, target.over ?? contender]),
        ].map((one) => ({
          contender: one,
        })),
      })),
    );

test("a suite has to measure what its targets are about", () => {
  requireMeasured("unary", casesOf("unary"));
  requireMeasured("codec", []);
  const without = casesOf("memory").filter(({ name }) => name !== "an open stream");
  expect(() => requireMeasured("memory", without)).toThrow(
    /memory of an open stream.*no memory.*in the case an open stream/,
  );
});

/** Results of every figure of a target: the baseline's are 10 each turn, the contender's a multiple of them. */
function measured(target: Target, ...multiples: readonly (readonly number[])[]): Result[] {
  return target.figures.flatMap((figure, i) => {
    const result = (contender: string, samples: readonly number[]): Result => ({
      suite: target.suite,
      case: figure.case,
      contender,
      metric: figure.metric,
      unit: "calls/s",
      better: "more",
      baseline: target.over,
      median: samples[0]!,
      samples,
    });
    const factors = multiples[i]!;
    if (target.over === undefined) return [result(target.contender, factors)];
    return [
      result(
        target.contender,
        factors.map((factor) => factor * 10),
      ),
      result(
        target.over,
        factors.map(() => 10),
      ),
    ];
  });
}

const named = (name: string) => targets.find((target) => target.name === name)!;

function rowOf(name: string, results: readonly Result[]): readonly string[] | undefined {
  return targetTable(results)?.rows.find(([title]) => title === name);
}

test("a target is met where the median of its turns is within the bound", () => {
  const { name, contender, over } = named("unary, 100 in flight");
  const of = `${contender} ÷ ${over}`;
  expect(rowOf(name, measured(named(name), [14, 15, 16]))).toEqual([name, "15.00× ±7%", "≥ 15", "yes", of]);
  expect(rowOf(name, measured(named(name), [14, 14.9, 20]))).toEqual([name, "14.90× ±20%‼", "≥ 15", "no", of]);
});

test("each of several figures has to be within the bound, and is shown", () => {
  const { name } = named("twice the input, ts-proto: time");
  const row = (types: number, files: number) => rowOf(name, measured(named(name), [types], [files]))?.slice(1, 4);
  expect(row(1.5, 2.2)).toEqual(["types in a file 1.50×, files 2.20×", "≤ 2.2", "yes"]);
  expect(row(1.5, 2.3)).toEqual(["types in a file 1.50×, files 2.30×", "≤ 2.2", "no"]);
});

test("what is a ratio already is judged as it is", () => {
  const growth = targets.find(({ over }) => over === undefined)!;
  expect(rowOf(growth.name, measured(growth, [1.1, 1.2, 1.3]))?.slice(1)).toEqual([
    "1.20× ±8%",
    "≤ 1.2",
    "yes",
    growth.contender,
  ]);
});

test("a figure with a unit is judged as it is, and shown in it", () => {
  const time = targets.find(({ unit }) => unit === "s")!;
  expect(rowOf(time.name, measured(time, [9, 10, 11]))?.slice(1)).toEqual([
    `10 s ±10%`,
    `≤ ${time.value} s`,
    "yes",
    time.contender,
  ]);
});

test("what a run has not measured says so; suites that were not run are left out, and without a figure there is no table", () => {
  const one = measured(named("unary, 1 in flight"), [8]);
  const rows = targetTable(one)!.rows;
  expect(rows.map(([name]) => name)).toEqual([
    "",
    ...targets.filter((it) => it.suite === "unary").map((it) => it.name),
  ]);
  expect(rowOf("unary, 1 in flight", one)?.[3]).toBe("yes");
  expect(rowOf("unary, 100 in flight, with TLS", one)?.slice(1, 4)).toEqual(["not measured", "≥ 6", "–"]);
  expect(targetTable([])).toBeUndefined();
  expect(targetTable(one.slice(1))).toBeUndefined();
  expect(formatMarkdown(targetTable(one)!)).toMatch(/^\| {2}\| ratio \| target \| met \| of \|\n/);
});
