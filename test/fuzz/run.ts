/** Runs cases of fuzz targets; each is made of one seed, which repeats it. */
import { type FuzzTarget, seeded } from "./target.js";

export interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly error: unknown;
}

/** Cases after which what waits for a turn of the event loop gets one. */
const casesPerTurn = 50;

/** The command that repeats one case. */
export function repeat({ target, seed }: Failure): string {
  return `npm run fuzz -- --target ${target} --seed ${seed} --cases 1`;
}

/**
 * Runs cases of `target` with the seeds from `seed` on, as long as `goesOn`.
 *
 * @returns the first that fails
 */
export async function fuzz(target: FuzzTarget, seed: number, goesOn: () => boolean): Promise<Failure | undefined> {
  for (let i = 0; goesOn(); i++) {
    const error = await runOne(target, seed + i);
    if (error !== undefined) return { target: target.name, seed: seed + i, error };
    if (i % casesPerTurn === 0) await new Promise(setImmediate);
  }
  return undefined;
}

/** What a case throws, at once or from something that it has left behind. */
async function runOne(target: FuzzTarget, seed: number): Promise<unknown> {
  try {
    const running = target.run(seeded(seed));
    if (running !== undefined) await running;
    return undefined;
  } catch (error) {
    return error ?? new Error("nothing was thrown, as an error");
  }
}
