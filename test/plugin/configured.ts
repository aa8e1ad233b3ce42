/** What the plugin makes with `service_config`: run in this process, written into folders, loaded. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "@jest/globals";
import type { MethodDefaults, ServiceDesc } from "@trunkline/runtime";
import { run } from "../../plugin/src/run.js";
import { type Protos, requestFor, root } from "./compile-protos.js";
import { decodeResponse, type Response } from "./responses.js";

/** Runs it with `service_config=conf.json`, where that is `config`: bytes, a text, or what a text is made of. */
export async function generateWith(
  config: unknown,
  protos: Protos,
  parameter = "",
  generate: readonly string[] = Object.keys(protos),
): Promise<Response> {
  const file = config instanceof Uint8Array ? config : new TextEncoder().encode(asText(config));
  const readFile = async (path: string) => {
    if (path !== "conf.json") throw new Error(`there is no ${path}`);
    return file;
  };
  const parts: Uint8Array[] = [];
  const request = requestFor(protos, `service_config=conf.json,${parameter}`, [...generate]);
  for await (const part of run(request, readFile)) parts.push(part);
  return decodeResponse(Buffer.concat(parts));
}

function asText(config: unknown): string {
  return typeof config === "string" ? config : JSON.stringify(config);
}

const folders: string[] = [];

/** For `afterAll`. */
export function removeGenerated(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
}

/** An empty folder; inside of the repository, so that what is generated there finds @bufbuild/protobuf. */
export function newFolder(): string {
  mkdirSync(join(root, "test/tmp"), { recursive: true });
  const folder = mkdtempSync(join(root, "test/tmp/service config "));
  folders.push(folder);
  return folder;
}

/** Writes what was generated into a folder of its own. */
export function writeGenerated({ files, error }: Response): string {
  expect(error).toBe("");
  const folder = newFolder();
  for (const [name, content] of files) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Loads a module that was written. */
export async function load(folder: string, name: string): Promise<{ readonly [name: string]: unknown }> {
  return await import(pathToFileURL(join(folder, name)).href);
}

/** `B/Get` → its defaults in the loaded table, of all services; methods that have none are left out. */
export async function defaultsOf(response: Response): Promise<{ readonly [method: string]: MethodDefaults }> {
  const folder = writeGenerated(response);
  const found: [string, MethodDefaults][] = [];
  for (const name of [...response.files.keys()].filter((one) => one.endsWith("_grpc.ts"))) {
    const tables = Object.entries(await load(folder, name)).filter(([exported]) => exported.endsWith("Desc"));
    for (const { path, defaults } of tables.flatMap(([, table]) => Object.values((table as ServiceDesc).methods))) {
      if (Object.keys(defaults).length > 0) found.push([path.replace(/^\/(.*\.)?/, ""), defaults]);
    }
  }
  return Object.fromEntries(found);
}
