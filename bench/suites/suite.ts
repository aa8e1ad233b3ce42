/** What a suite is: cases, in each of which the same contenders take turns. */

/** How much is measured. */
export interface Plan {
  /** Seconds that a contender is measured for in a case, over all of its turns. */
  readonly seconds: number;
  /** Everything once and tiny: it shows that it works, not how fast. */
  readonly smoke: boolean;
  /** What takes most of an hour as well. */
  readonly all: boolean;
}

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
  /** No ratio to the baseline: it is a difference, which may be nothing or less, or a ratio already. */
  readonly hasNoRatio?: boolean;
}

export interface Turn {
  readonly contender: string;
  /** Before the first turn; not counted. */
  warmUp?(): Promise<unknown>;
  /** One sample of each metric, by its name. */
  measure(): Promise<Readonly<Record<string, number>>>;
}

export interface Case {
  readonly name: string;
  /** The first is what the case is judged by. */
  readonly metrics: readonly Metric[];
  /** The contender that ratios are of; none where nobody takes part that could be one. */
  readonly baseline: string | undefined;
  readonly rounds: number;
  /** About how long a turn takes, for the time left, and how long until it counts as hanging. */
  readonly turnMs: number;
  readonly timeoutMs: number;
  readonly turns: readonly Turn[];
  /** Where each round is a part of one measurement, such as one directory of many: makes that of them. */
  readonly whole?: (parts: readonly Readonly<Record<string, number>>[]) => Readonly<Record<string, number>>;
  /** Left out of a smoke run. */
  readonly isLong?: boolean;
}

/** Cases that are ready to run, and the end of the processes that they run in. */
export interface Prepared {
  readonly cases: readonly Case[];
  /** Results that follow from those of several cases. */
  derive?(results: readonly Result[]): readonly Result[];
  /** Ends the processes of one contender, or of all; told of one when it failed, and when no later case has it. */
  stop(contender?: string): void;
}

export interface Suite {
  readonly name: string;
  /** A sentence for the documentation. */
  readonly about: string;
  prepare(plan: Plan): Promise<Prepared>;
}

/** A row of the JSON file. */
export interface Result {
  readonly suite: string;
  readonly case: string;
  readonly contender: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly baseline: string | undefined;
  readonly median: number;
  readonly samples: readonly number[];
}

export interface Failure {
  readonly suite: string;
  readonly case: string;
  readonly contender: string;
  readonly error: string;
}

/** Turns of a case in ten rounds, unless it says otherwise: enough for a median that one disturbed turn cannot move. */
export function roundsOf(plan: Plan, rounds = 10): number {
  return plan.smoke ? 1 : rounds;
}

/** Milliseconds of one turn. */
export function turnMillis(plan: Plan, rounds = 10): number {
  return plan.smoke ? 5 : (plan.seconds * 1000) / rounds;
}

/** A warm-up is long where a process is new, so that its code is compiled, and short where only the case is. */
export function warmUpMillis(plan: Plan, isNew: boolean): number {
  return plan.smoke ? 1 : isNew ? Math.min(2000, 500 + plan.seconds * 500) : plan.seconds * 150;
}

/** Milliseconds after which a turn of so many counts as hanging. */
export function timeoutOf(turnMs: number, plan: Plan): number {
  return (plan.smoke ? 15_000 : 30_000) + 20 * turnMs;
}
