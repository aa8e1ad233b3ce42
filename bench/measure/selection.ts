/** Of what the suites measure, the part that the command line asks for. */
import { FlagError } from "../flags.js";
import type { Case, Prepared } from "../suites/suite.js";

export interface Selection {
  /** A part of the names of contenders; all take part without it. */
  readonly only: string | undefined;
  /** A part of the names of cases. */
  readonly cases: string | undefined;
  /** Leaves out what takes long. */
  readonly smoke: boolean;
}

/** Suites without such cases are left out. */
export function chosenCases<One extends { readonly prepared: Prepared }>(
  all: readonly One[],
  selection: Selection,
): readonly One[] {
  const chosen = all.flatMap((one) => {
    const cases = one.prepared.cases.flatMap((each) => chosenTurns(each, selection));
    return cases.length === 0 ? [] : [{ ...one, prepared: { ...one.prepared, cases } }];
  });
  if (chosen.length > 0) return chosen;
  const cases = all.flatMap(({ prepared }) => prepared.cases);
  const contenders = cases.flatMap(({ turns }) => turns.map(({ contender }) => contender));
  throw new FlagError(
    [
      "--only and --cases leave nothing to measure",
      "",
      `Contenders: ${list(contenders)}`,
      `Cases: ${list(cases.map(({ name }) => name))}`,
    ].join("\n"),
  );
}

/** The case without the contenders that were not asked for; the one that ratios are of stays. */
function chosenTurns(one: Case, { only, cases, smoke }: Selection): Case[] {
  if (!has(one.name, cases) || (smoke && one.isLong === true)) return [];
  const asked = one.turns.filter(({ contender }) => has(contender, only));
  if (asked.length === 0) return [];
  return [{ ...one, turns: one.turns.filter((turn) => asked.includes(turn) || turn.contender === one.baseline) }];
}

function has(name: string, part: string | undefined): boolean {
  return part === undefined || name.toLowerCase().includes(part.toLowerCase());
}

function list(names: readonly string[]): string {
  return [...new Set(names)].join("; ");
}
