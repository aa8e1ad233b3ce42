import { Progress } from "../../bench/measure/progress.js";
import { runCases } from "../../bench/measure/rounds.js";
import { formatText, tablesOf } from "../../bench/report/table.js";
import type { Case, Prepared, Result, Turn } from "../../bench/suites/suite.js";

const lines: string[] = [];
const quiet = { isTTY: false, write: (line: string) => lines.push(line) } as unknown as NodeJS.WriteStream;

function run(cases: Case[], prepared: Partial<Prepared> = {}) {
  return runCases("suite", { cases, stop: () => {}, ...prepared }, new Progress(cases, quiet));
}

function caseOf(turns: readonly Turn[], other: Partial<Case> = {}): Case {
  const metrics = [{ name: "speed", unit: "calls/s", better: "more" as const }];
  return { name: "case", metrics, baseline: "a", rounds: 3, turnMs: 1, timeoutMs: 50, turns, ...other };
}

test("contenders take turns, after all have warmed up", async () => {
  const order: string[] = [];
  const turn = (contender: string): Turn => ({
    contender,
    warmUp: async () => order.push(`warm ${contender}`),
    measure: async () => ({ speed: order.push(contender) }),
  });
  const { results } = await run([caseOf([turn("a"), turn("b")])]);
  expect(order).toEqual(["warm a", "warm b", "a", "b", "a", "b", "a", "b"]);
  expect(results.map(({ contender, samples, median }) => ({ contender, samples, median }))).toEqual([
    { contender: "a", samples: [3, 5, 7], median: 5 },
    { contender: "b", samples: [4, 6, 8], median: 6 },
  ]);
});

test("rounds that are parts of one measurement make one sample", async () => {
  let part = 0;
  const turns: Turn[] = [{ contender: "a", measure: async () => ({ speed: ++part }) }];
  const whole = (parts: readonly Readonly<Record<string, number>>[]) => ({
    speed: parts.reduce((sum, { speed }) => sum + speed!, 0),
  });
  const { results } = await run([caseOf(turns, { whole })]);
  expect(results.map(({ samples, median }) => ({ samples, median }))).toEqual([{ samples: [6], median: 6 }]);
});

test("one that fails or hangs is stopped and left out; the others finish, and its row says why", async () => {
  const stopped: (string | undefined)[] = [];
  let crashes = 0;
  const turns: Turn[] = [
    { contender: "a", measure: async () => ({ speed: 10 }) },
    {
      contender: "crashes",
      measure: async () => {
        if (++crashes === 2) throw new Error("the client ended with exit code 3");
        return { speed: 1 };
      },
    },
    { contender: "hangs", warmUp: () => new Promise(() => {}), measure: async () => ({ speed: 1 }) },
  ];
  const cases = [caseOf(turns, { name: "first" }), caseOf(turns, { name: "second" })];
  const { results, failures } = await run(cases, { stop: (contender) => stopped.push(contender) });
  // Those two when they failed, and all three when there was no case left for them.
  expect(stopped).toEqual(["hangs", "crashes", "a", "crashes", "hangs"]);
  expect(crashes).toBe(2);
  expect(results.map((one) => [one.case, one.contender])).toEqual([
    ["first", "a"],
    ["second", "a"],
  ]);
  expect(failures.map((one) => [one.case, one.contender])).toEqual([
    ["first", "crashes"],
    ["first", "hangs"],
    ["second", "crashes"],
    ["second", "hangs"],
  ]);
  const [table] = tablesOf(results, failures);
  expect(formatText(table!)).toMatch(/crashes +FAILED: the client ended with exit code 3/);
  expect(formatText(table!)).toMatch(/hangs +FAILED: hangs: no end after/);
});

test("the processes of a contender end after its last case", async () => {
  const order: string[] = [];
  const turn = (contender: string): Turn => ({
    contender,
    measure: async () => ({ speed: order.push(contender) }),
  });
  const cases = [caseOf([turn("a"), turn("once")], { rounds: 1 }), caseOf([turn("a")], { rounds: 1 })];
  await run(cases, { stop: (contender) => order.push(`stop ${contender}`) });
  expect(order).toEqual(["a", "once", "stop once", "a", "stop a"]);
});

test("a table shows median, spread, ratio, and marks what is too wide to judge by", () => {
  const result = (contender: string, samples: readonly number[]): Result => ({
    suite: "suite",
    case: "case",
    contender,
    metric: "speed",
    unit: "calls/s",
    better: "more",
    baseline: "a",
    median: samples[1]!,
    samples,
  });
  const [table] = tablesOf([result("a", [990, 1000, 1010]), result("b", [1500, 3000, 4500])], []);
  const text = ["case", "        speed, calls/s", "  a    1,000 ±1% 1.00×", "  b  3,000 ±50%‼ 3.00×"];
  expect(formatText(table!).split("\n")).toEqual(text);
});
