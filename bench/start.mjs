/**
 * npm run bench: installs the bench where it is not, builds the project and the bench, and runs it.
 *
 * What is measured runs from dist/, compiled by tsc. Under tsx every function that is made while a call runs would be
 * given its name by a call of Object.defineProperty, which costs more than many things that are measured here.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

function run(program, args, cwd) {
  // What goes to stdout there is no result of the bench.
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", 2, 2], cwd: path(cwd) });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** npm writes this file at the end of every installation. */
const installed = statSync(path("node_modules/.package-lock.json"), { throwIfNoEntry: false });
if (installed === undefined || installed.mtimeMs < statSync(path("package-lock.json")).mtimeMs) {
  run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], ".");
}
run("npm", ["run", "--silent", "build"], "..");
run(process.execPath, [path("../node_modules/tsx/dist/cli.mjs"), "generate.ts"], ".");
run(process.execPath, [path("../node_modules/typescript/bin/tsc"), "-p", "."], ".");

await import("./dist/main.js");
