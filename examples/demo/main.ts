/**
 * npm run demo: from a .proto to working calls, step by step.
 * npm run demo -- --status: the same server, busy, with its status page, until Ctrl-C.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { heading, moment } from "./print.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const bin = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

/** Runs a program to its end, without a shell; shows what it says only if it fails. */
function run(script: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: here,
    encoding: "utf8",
  });
  if (status === 0) return;
  process.stderr.write(`${error ?? ""}${stdout ?? ""}${stderr ?? ""}`);
  process.exit(1);
}

function timed(what: string, step: () => void): void {
  const startedAt = performance.now();
  step();
  moment(`${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
}

if (process.argv.includes("--status")) {
  // With the generated code that is there: it is committed.
  const { showStatus } = await import("./status.js");
  await showStatus();
} else {
  heading("From a .proto");
  timed("buf generate: proto/demo/v1/exchange.proto → gen/", () => run(bin("@bufbuild/buf/bin/buf"), "generate"));
  timed("tsc: the generated code and this demo type-check", () => run(bin("typescript/bin/tsc"), "-p", "."));

  // Generated just now, so not imported before.
  const { makeCalls } = await import("./calls.js");
  await makeCalls();
}
