/** The process in which the plugin is fuzzed: told a seed, it runs the case of it and says what is wrong, if anything. */
import { deepStrictEqual } from "node:assert/strict";
import { inspect } from "node:util";
import { chance } from "./hostile-values.js";
import { type PluginCase, PluginCases } from "./plugin-case.js";
import { type Answer, answer, requireSyntax } from "./plugin-checks.js";
import { seeded } from "./target.js";

const cases = new PluginCases();

/**
 * What a case may cost: a start, which may be the loading of a library, and then so much a byte. A case beyond it gets
 * another try, since compilers of JavaScript and collectors of garbage do their work when they please.
 */
const startMs = 1500;
const msPerByte = 0.02;

async function runCase(seed: number): Promise<void> {
  const random = seeded(seed);
  const one = cases.make(random);
  let first = await answer(one);
  const mostMs = startMs + msPerByte * one.request.length;
  if (first.cpuMs > mostMs) {
    first = await answer(one);
    if (first.cpuMs > mostMs) throw new Error(`takes ${first.cpuMs} ms for ${one.request.length} bytes`);
  }
  if (chance(random, 0.25)) await requireSame(first, one);
  const parsed = chance(random, 0.3) ? first.files : first.files.slice(0, 1);
  for (const file of parsed) requireSyntax(file);
}

async function requireSame(first: Answer, one: PluginCase): Promise<void> {
  const second = await answer(one);
  if (Buffer.compare(first.bytes, second.bytes) === 0) return;
  deepStrictEqual(second.files, first.files);
  throw new Error("the second answer is not the first");
}

process.on("message", (seed: number) => {
  runCase(seed).then(
    () => process.send?.({}),
    (error: unknown) => process.send?.({ error: inspect(error, { depth: 6, breakLength: 120 }).slice(0, 5000) }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({});
