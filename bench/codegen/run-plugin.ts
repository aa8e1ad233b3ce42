import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { track } from "../processes/live.js";
import type { Plugin } from "./plugins.js";
import type { PluginRequest } from "./requests.js";

/** From dist/codegen. */
const peakMemory = fileURLToPath(new URL("../../codegen/peak-memory.cjs", import.meta.url));

export interface PluginRun {
  readonly seconds: number;
  readonly peakBytes: number;
}

/**
 * Runs a plugin as a compiler does: a process, the request on its stdin, the response from its stdout.
 *
 * @param stopped is given the function that ends the process, for whoever does not want to wait for it
 */
export async function runPlugin(
  plugin: Plugin,
  request: PluginRequest,
  stopped: (stop: () => void) => void,
): Promise<PluginRun> {
  const bytes = readFileSync(request.file);
  const output = join(tmpdir(), `trunkline-bench-${process.pid}.out`);
  const out = openSync(output, "w");
  try {
    const began = performance.now();
    const child = track(
      spawn(process.execPath, ["--require", peakMemory, plugin.program], { stdio: ["pipe", out, "pipe", "pipe"] }),
    );
    stopped(() => child.kill("SIGKILL"));
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    let peak = "";
    (child.stdio[3] as NodeJS.ReadableStream).setEncoding("utf8").on("data", (text: string) => {
      peak += text;
    });
    child.stdin!.on("error", () => {}); // It ended early; its exit code says why.
    child.stdin!.write(bytes);
    // The last of several values of a field counts: the parameter may come behind all else.
    child.stdin!.end(new BinaryWriter().tag(2, 2).string(plugin.parameter).finish());
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    const seconds = (performance.now() - began) / 1000;
    if (code !== 0) throw new Error(`ended with ${signal ?? code}: ${lastLine(stderr)}`);
    check(output);
    return { seconds, peakBytes: Number(peak) };
  } finally {
    closeSync(out);
    rmSync(output, { force: true });
  }
}

/** A plugin may say in its response why there is none, and end well. */
function check(output: string): void {
  // Errors are short, and successes of some megabytes need not be read.
  if (statSync(output).size > 1e6) return;
  const reader = new BinaryReader(readFileSync(output));
  let files = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) throw new Error(lastLine(reader.string()));
    if (field === 15) files++;
    reader.skip(type, field);
  }
  if (files === 0) throw new Error("generated nothing");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
