/** Runs the cases of a suite: contenders take turns, A B C A B C, so that a drift of the machine hits all alike. */
import type { Case, Failure, Prepared, Result, Turn } from "../suites/suite.js";
import type { Progress } from "./progress.js";
import { median } from "./statistics.js";

export interface Outcome {
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
}

export async function runCases(suite: string, prepared: Prepared, progress: Progress): Promise<Outcome> {
  const results: Result[] = [];
  const failures: Failure[] = [];
  /** A contender that failed takes no more part in the suite: it would fail again, and perhaps take its time with it. */
  const failed = new Map<string, string>();
  for (const [i, one] of prepared.cases.entries()) {
    const samples = new Map<string, Record<string, number>[]>();
    const attempt = async (turn: Turn, work: () => Promise<unknown>) => {
      if (failed.has(turn.contender)) return;
      progress.show(suite, one, turn.contender);
      try {
        await within(one.timeoutMs, work());
      } catch (error) {
        prepared.stop(turn.contender);
        failed.set(turn.contender, error instanceof Error ? error.message : String(error));
      }
    };
    for (const turn of one.turns) await attempt(turn, async () => turn.warmUp?.());
    for (let round = 0; round < one.rounds; round++) {
      for (const turn of one.turns) {
        await attempt(turn, async () => {
          const sample = await turn.measure();
          samples.set(turn.contender, [...(samples.get(turn.contender) ?? []), sample]);
        });
        progress.done(one.turnMs);
      }
    }
    for (const { contender } of one.turns) {
      const error = failed.get(contender);
      const measured = samples.get(contender) ?? [];
      if (error === undefined)
        results.push(...resultsOf(suite, one, contender, one.whole === undefined ? measured : [one.whole(measured)]));
      else failures.push({ suite, case: one.name, contender, error });
    }
    // A pair of processes keeps half a gigabyte after a few cases.
    const later = prepared.cases.slice(i + 1).flatMap(contendersOf);
    for (const contender of contendersOf(one)) if (!later.includes(contender)) prepared.stop(contender);
  }
  return { results: [...results, ...(prepared.derive?.(results) ?? [])], failures };
}

function contendersOf({ turns }: Case): string[] {
  return turns.map(({ contender }) => contender);
}

function resultsOf(
  suite: string,
  one: Case,
  contender: string,
  samples: readonly Readonly<Record<string, number>>[],
): Result[] {
  return one.metrics.map(({ name: metric, unit, better, hasNoRatio }) => {
    const values = samples.map((sample) => sample[metric]!);
    const baseline = hasNoRatio === true ? undefined : one.baseline;
    return {
      suite,
      case: one.name,
      contender,
      metric,
      unit,
      better,
      baseline,
      median: median(values),
      samples: values,
    };
  });
}

/** Fails where the work takes longer; what it still does is for its process's end to stop. */
async function within<T>(millis: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: no end after ${Math.round(millis / 1000)} s`)), millis);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
