/** What tsc says of generated code, and how long it takes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { track } from "../processes/live.js";
import type { Plugin } from "./plugins.js";
import type { PluginRequest } from "./requests.js";
import { runPlugin, unpack } from "./run-plugin.js";

/** From dist/codegen. Within the bench, so that what is generated finds its packages. */
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** Every flag that generated code has to pass. */
const flags = {
  noEmit: true,
  declaration: true,
  isolatedDeclarations: true,
  // The client of a service without methods uses no channel, and what ts-proto makes need not use all that it declares.
  noUnusedParameters: false,
  noUnusedLocals: false,
};

/** Those that ts-proto's own output does not pass. */
export const lenient = { isolatedDeclarations: false, erasableSyntaxOnly: false, exactOptionalPropertyTypes: false };

export interface TypeCheck {
  readonly files?: readonly string[];
  readonly exclude?: readonly string[];
  /** Compiler options. */
  readonly more?: object;
}

export type Stop = (stop: () => void) => void;

/** The service files in a folder, in parts of which a compiler needs some gigabytes at most. */
export function serviceFiles(folder: string): string[][] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("_grpc.ts"));
  return Array.from({ length: Math.ceil(all.length / 200) }, (_, i) => all.sort().slice(200 * i, 200 * (i + 1)));
}

/** Writes what a plugin generates to a folder of its own, and tells which. */
export async function generateInto(
  name: string,
  plugin: Plugin,
  request: PluginRequest,
  stopped: Stop,
): Promise<string> {
  const folder = path(`requests/types-${name.replace(/\W+/g, "-")}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await runPlugin(plugin, request, stopped, (output) => unpack(output, folder));
  return folder;
}

/** Seconds that tsc takes for a folder, or for some files of it and all that they import. Throws where it finds a fault. */
export async function typeCheck(
  folder: string,
  stopped: Stop,
  { files, exclude = [], more = {} }: TypeCheck = {},
): Promise<number> {
  const config = `${folder}/tsconfig.json`;
  const compilerOptions = { ...flags, ...more };
  const input = files === undefined ? { include: ["."], exclude } : { files };
  writeFileSync(config, JSON.stringify({ extends: path("../tsconfig.base.json"), compilerOptions, ...input }));
  const began = performance.now();
  const args = [path("../node_modules/typescript/bin/tsc"), "-p", config];
  const child = track(spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] }));
  stopped(() => child.kill("SIGKILL"));
  let faults = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    faults = (faults + text).slice(0, 2000);
  });
  const [code] = await once(child, "close");
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`tsc finds a fault: ${faults.split("\n")[0]}`);
  return seconds;
}
