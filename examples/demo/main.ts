/**
 * npm run demo: from a .proto to working calls, step by step.
 * npm run demo -- --status: the same server, busy, with its status page, until Ctrl-C.
 * Either on another transport: --transport http2.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { TransportName } from "@trunkline/runtime";
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

const options = { status: { type: "boolean", default: false }, transport: { type: "string" } } as const;
const { values } = parseArgs({ options });
// What is none of them is refused by the runtime, which says what there is.
const transport = values.transport as TransportName | undefined;

if (values.status) {
  // With the generated code that is there: it is committed.
  const { showStatus } = await import("./status.js");
  await showStatus(transport);
} else {
  heading("From a .proto");
  timed("buf generate: proto/demo/v1/exchange.proto → gen/", () => run(bin("@bufbuild/buf/bin/buf"), "generate"));
  timed("tsc: the generated code and this demo type-check", () => run(bin("typescript/bin/tsc"), "-p", "."));

  // Generated just now, so not imported before.
  const { makeCalls } = await import("./calls.js");
  await makeCalls(transport);
}
