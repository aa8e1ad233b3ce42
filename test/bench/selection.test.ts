import { FlagError } from "../../bench/flags.js";
import { chosenCases } from "../../bench/measure/selection.js";
import type { Case, Prepared } from "../../bench/suites/suite.js";

function prepared(...cases: readonly (readonly [name: string, ...contenders: readonly string[]])[]): {
  readonly prepared: Prepared;
} {
  const caseOf = ([name, ...contenders]: readonly [string, ...(readonly string[])]): Case => ({
    name,
    metrics: [],
    baseline: "peer",
    rounds: 1,
    turnMs: 1,
    timeoutMs: 1,
    turns: contenders.map((contender) => ({ contender, measure: async () => ({}) })),
  });
  return { prepared: { cases: cases.map(caseOf), stop: () => {} } };
}

const all = [
  prepared(["one in flight", "peer", "other", "Ours"], ["many in flight", "peer", "Ours"]),
  prepared(["stream", "peer", "other"]),
];

function chosen(only: string | undefined, cases: string | undefined) {
  return chosenCases(all, { only, cases, smoke: false }).map((one) =>
    one.prepared.cases.map(({ name, turns }) => [name, ...turns.map(({ contender }) => contender)]),
  );
}

test("without a selection everything is measured", () => {
  expect(chosen(undefined, undefined)).toEqual([
    [
      ["one in flight", "peer", "other", "Ours"],
      ["many in flight", "peer", "Ours"],
    ],
    [["stream", "peer", "other"]],
  ]);
});

test("a contender stays with what it is compared with; cases and suites that it is not in are left out", () => {
  expect(chosen("ours", undefined)).toEqual([
    [
      ["one in flight", "peer", "Ours"],
      ["many in flight", "peer", "Ours"],
    ],
  ]);
  expect(chosen(undefined, "IN FLIGHT")).toHaveLength(1);
  expect(chosen("other", "one")).toEqual([[["one in flight", "peer", "other"]]]);
});

test("what leaves nothing to measure is refused with what there is", () => {
  expect(() => chosen("ours", "stream")).toThrow(FlagError);
  expect(() => chosen("nobody", undefined)).toThrow(
    /leave nothing .*\n.*Contenders: peer; other; Ours\nCases: one in flight; many in flight; stream/s,
  );
});

test("a smoke run does without what takes long", () => {
  const [one] = all;
  const [first, second] = one!.prepared.cases;
  const suites = [{ prepared: { ...one!.prepared, cases: [{ ...first!, isLong: true }, second!] } }];
  const names = (smoke: boolean) =>
    chosenCases(suites, { only: undefined, cases: undefined, smoke }).flatMap(({ prepared }) =>
      prepared.cases.map(({ name }) => name),
    );
  expect(names(true)).toEqual(["many in flight"]);
  expect(names(false)).toEqual(["one in flight", "many in flight"]);
});
