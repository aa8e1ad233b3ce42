/** Ten thousand cases of all targets; `npm run fuzz` runs a million. */
import { fuzz, repeat } from "./run.js";
import { targets } from "./targets.js";

const cases = 10_000;

afterAll(async () => {
  for (const { target } of targets) await target.stop?.();
});

test.each(targets.map(({ target, share }) => ({ name: target.name, target, share })))(
  "$name",
  async ({ target, share }) => {
    let left = Math.round(cases * share);
    const failure = await fuzz(target, Math.floor(Math.random() * 2 ** 40), () => left-- > 0);
    // The seed is in the command.
    if (failure !== undefined) throw new Error(repeat(failure), { cause: failure.error });
    expect(left).toBe(-1);
  },
  120_000,
);
