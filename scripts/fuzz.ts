/**
 * Fuzzes the HTTP/2 transport and the plugin: `npm run fuzz -- [--cases N | --minutes M] [--seed S] [--target NAME]`.
 *
 * A million cases over all targets unless told otherwise. Every case is made of its seed; one that fails is printed with
 * the command that repeats it, and the exit code is 1 then.
 */
import { parseArgs } from "node:util";
import { type Failure, fuzz, repeat } from "../test/fuzz/run.js";
import { targets } from "../test/fuzz/targets.js";

const progressMs = 2000;

const usage = `npm run fuzz -- [--cases N | --minutes M] [--seed S] [--target ${targets.map(({ target }) => target.name).join("|")}]`;

interface Flags {
  readonly cases: number;
  /** Instead of `cases`. */
  readonly minutes: number | undefined;
  readonly seed: number;
  readonly target: string | undefined;
}

function parseFlags(): Flags {
  const options = { cases: string, minutes: string, seed: string, target: string };
  const { cases, minutes, seed, target } = parseArgs({ options }).values;
  if (target !== undefined && !targets.some((one) => one.target.name === target)) {
    throw new Error(`--target: there is no ${target}`);
  }
  if (cases !== undefined && minutes !== undefined) throw new Error("--cases and --minutes: give one of them");
  return {
    cases: numberOf("--cases", cases) ?? 1_000_000,
    minutes: numberOf("--minutes", minutes),
    seed: numberOf("--seed", seed) ?? Math.floor(Math.random() * 2 ** 40),
    target,
  };
}

const string = { type: "string" } as const;

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) throw new Error(`${flag}: ${text} is no number`);
  return value;
}

/** Cases of each target in turn, so that a failure of any is found soon. */
const casesPerTurn = 1000;

async function fuzzAll({ cases, minutes, seed, target }: Flags): Promise<number> {
  const chosen = targets.filter((one) => target === undefined || one.target.name === target);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const startedAt = performance.now();
  const until = minutes === undefined ? Number.POSITIVE_INFINITY : startedAt + minutes * 60_000;
  const most = minutes === undefined ? cases : Number.POSITIVE_INFINITY;
  const plans = chosen.map(({ target: one, share }) => ({ target: one, share: share / shares, next: seed, owed: 0 }));
  let done = 0;
  let toldAt = startedAt;
  const failures: Failure[] = [];
  const tell = (): void => {
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(
      `${done} cases in ${seconds.toFixed(0)} s, ${Math.round(done / seconds)} a second, ${failures.length} failed`,
    );
    toldAt = performance.now();
  };
  console.log(`seed ${seed}`);
  while (done < most && performance.now() < until) {
    const turn = Math.min(casesPerTurn, most - done);
    for (const plan of plans) {
      plan.owed += plan.share * turn;
      const goesOn = (): boolean => {
        if (performance.now() - toldAt > progressMs) tell();
        if (plan.owed < 1 || done >= most || performance.now() >= until) return false;
        plan.owed--;
        plan.next++;
        done++;
        return true;
      };
      for (let ended = false; !ended; ) {
        const failure = await fuzz(plan.target, plan.next, goesOn);
        ended = failure === undefined;
        if (failure === undefined) continue;
        failures.push(failure);
        console.error(`${repeat(failure)}\n`, failure.error);
        if (failures.length >= mostFailures) return failures.length;
      }
    }
    // What is left of fractions.
    if (turn < casesPerTurn) for (const plan of plans) plan.owed = Math.ceil(plan.owed);
  }
  tell();
  return failures.length;
}

/** More of them say nothing new. */
const mostFailures = 20;

try {
  const flags = parseFlags();
  process.exitCode = (await fuzzAll(flags)) === 0 ? 0 : 1;
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
  process.exitCode = 2;
} finally {
  for (const { target } of targets) await target.stop?.();
}
