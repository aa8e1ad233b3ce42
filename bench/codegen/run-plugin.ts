import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { track } from "../processes/live.js";
import type { Plugin } from "./plugins.js";
import type { PluginRequest } from "./requests.js";

/** From dist/codegen. */
const usageAtEnd = fileURLToPath(new URL("../../codegen/usage-at-end.cjs", import.meta.url));

export interface PluginRun {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/**
 * Runs a plugin as a compiler does: a process, the request on its stdin, the response from its stdout.
 *
 * @param stopped is given the function that ends the process, for whoever does not want to wait for it
 * @param see is given the file that has the response; by default it is looked at for an error
 */
export async function runPlugin(
  plugin: Plugin,
  request: PluginRequest,
  stopped: (stop: () => void) => void,
  see: (response: string) => void = check,
): Promise<PluginRun> {
  const bytes = readFileSync(request.file);
  const output = join(tmpdir(), `trunkline-bench-${process.pid}.out`);
  const out = openSync(output, "w");
  try {
    const began = performance.now();
    const child = track(
      spawn(process.execPath, ["--require", usageAtEnd, plugin.program], { stdio: ["pipe", out, "pipe", "pipe"] }),
    );
    stopped(() => child.kill("SIGKILL"));
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    let usage = "";
    (child.stdio[3] as NodeJS.ReadableStream).setEncoding("utf8").on("data", (text: string) => {
      usage += text;
    });
    child.stdin!.on("error", () => {}); // It ended early; its exit code says why.
    child.stdin!.write(bytes);
    // The last of several values of a field counts: the parameter may come behind all else.
    child.stdin!.end(new BinaryWriter().tag(2, 2).string(plugin.parameter).finish());
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    const seconds = (performance.now() - began) / 1000;
    if (code !== 0) throw new Error(`ended with ${signal ?? code}: ${lastLine(stderr)}`);
    see(output);
    const { cpuMicros, peakBytes } = JSON.parse(usage) as { cpuMicros: number; peakBytes: number };
    return { seconds, cpuSeconds: cpuMicros / 1e6, peakBytes };
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

/** Writes the files of a response below a folder. */
export function unpack(output: string, folder: string): void {
  for (const { name, content } of filesOf(readFileSync(output))) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function* filesOf(response: Uint8Array): Iterable<{ readonly name: string; readonly content: Uint8Array }> {
  const reader = new BinaryReader(response);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) throw new Error(lastLine(reader.string()));
    if (field !== 15) {
      reader.skip(type, field);
      continue;
    }
    const file = new BinaryReader(reader.bytes());
    let name = "";
    let content: Uint8Array = new Uint8Array();
    while (file.pos < file.len) {
      const [part, partType] = file.tag();
      if (part === 1) name = file.string();
      else if (part === 15) content = file.bytes();
      else file.skip(partType, part);
    }
    yield { name, content };
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
