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

/** What tsc says of it. */
export interface TypeChecked {
  readonly seconds: number;
  /** A line for each: `google/pubsub/v1/pubsub.ts(12,3): error TS…`, relative to the folder. */
  readonly faults: readonly string[];
}

/**
 * Message files that ts-proto makes wrong, for its own plugin as for ours: the toJSON of an Int64Value in a oneof says
 * `message.recommendedValue.value.toString()`, and with `oneof=unions-value` and `forceLong=bigint` that value may be undefined
 * (TS18048). ts-proto 2.18.0 has it. Service files that import them are checked with them.
 */
const faultyMessages: readonly string[] = [
  "google/cloud/alloydb/v1/resources.ts",
  "google/cloud/alloydb/v1alpha/resources.ts",
  "google/cloud/alloydb/v1beta/resources.ts",
  "google/cloud/sql/v1/cloud_sql_flags.ts",
  "google/cloud/sql/v1beta4/cloud_sql_resources.ts",
];

export function isKnownFault(fault: string): boolean {
  return faultyMessages.some((file) => fault.startsWith(`${file}(`)) && fault.includes(" TS18048: ");
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

/** Has tsc check a folder, or some files of it and all that they import. */
export async function typeCheck(
  folder: string,
  stopped: Stop,
  { files, exclude = [], more = {} }: TypeCheck = {},
): Promise<TypeChecked> {
  const config = `${folder}/tsconfig.json`;
  const compilerOptions = { ...flags, ...more };
  const input = files === undefined ? { include: ["."], exclude } : { files };
  writeFileSync(config, JSON.stringify({ extends: path("../tsconfig.base.json"), compilerOptions, ...input }));
  const began = performance.now();
  const args = [path("../node_modules/typescript/bin/tsc"), "-p", config];
  const child = track(spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] }));
  stopped(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  const seconds = (performance.now() - began) / 1000;
  const faults = output.split("\n").filter((line) => line.includes("error TS"));
  if (code !== 0 && faults.length === 0) throw new Error(`tsc ended with ${signal ?? code}`);
  return { seconds, faults };
}
