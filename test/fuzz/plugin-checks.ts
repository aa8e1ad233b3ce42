/** What holds of every answer of the plugin, whatever it was asked. */
import { ok } from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { CodeGeneratorRequestSchema, CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { parseSync } from "@swc/core";
import { PluginError } from "../../plugin/src/errors.js";
import { run } from "../../plugin/src/run.js";
import type { PluginCase } from "./plugin-case.js";
import { Node } from "./wire-tree.js";

export interface Answer {
  readonly files: readonly { readonly name: string; readonly content: string }[];
  /** What the compiler is told instead. */
  readonly error: string;
  /** What came out, in one piece; for bytes that are no request, the line on stderr. */
  readonly bytes: Uint8Array;
  /** Of both kinds of processors' time, that of one thread and of its garbage collection. */
  readonly cpuMs: number;
}

/** Runs a case and checks all that can be checked at once. */
export async function answer({ request, serviceConfig }: PluginCase): Promise<Answer> {
  const parts: Uint8Array[] = [];
  const before = process.cpuUsage();
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  try {
    for await (const part of run(request, (path) => fileAt(path, serviceConfig))) parts.push(part);
  } catch (error) {
    ok(error instanceof Error && error.name === "MalformedRequestError", new Error("it throws", { cause: error }));
    ok(parts.length === 0, "half an answer was written");
    requireOneLine(error.message);
    return { files: [], error: "", bytes: Buffer.from(error.message), cpuMs: cpuMs() };
  }
  const spent = cpuMs();
  const bytes = Buffer.concat(parts);
  const { error, file } = fromBinary(CodeGeneratorResponseSchema, bytes);
  if (error !== "") {
    requireOneLine(error);
    requirePlace(error, request);
    return { files: [], error, bytes, cpuMs: spent };
  }
  requirePaths(file.map(({ name }) => name));
  return { files: file, error, bytes, cpuMs: spent };
}

async function fileAt(path: string, serviceConfig: Uint8Array): Promise<Uint8Array> {
  if (path !== "conf.json") throw new Error("there is no such file");
  return serviceConfig;
}

function requireOneLine(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
  ok(text.length > 10 && !/[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(text), `is no line: ${JSON.stringify(text)}`);
}

/** An error begins with a file, or with what the user wrote, so that it is clear where to look. */
function requirePlace(error: string, request: Uint8Array): void {
  if (/^("|option|there is no option|ts-proto has no option|protoc-gen-es has no option|service_config: )/.test(error))
    return;
  const names = namesIn(request).flatMap((name) => [
    ...[name, `${name.replace(/\.proto$/, "")}_grpc.ts`, name.replace(/(\.proto)?$/, ".ts")],
  ]);
  // An error is made of them as these are.
  const inErrors = names.map((name) => new PluginError("", { file: name }).message.replace(/:$/, ""));
  // Where no tree can be made of a request that the plugin walks, its bytes have to do.
  const isInBytes = names.length === 0 && Buffer.from(request).includes(error.split(": ")[0]!);
  ok(
    isInBytes || inErrors.some((name) => name !== "" && error.startsWith(`${name}: `)),
    `names no place: ${error.slice(0, 500)}`,
  );
}

/** Of files, whether or not the rest of the request can be read. */
function namesIn(request: Uint8Array): readonly string[] {
  const inRequest = Node.root(request, CodeGeneratorRequestSchema).children ?? [];
  const inFiles = inRequest.flatMap((node) => (node.number === 15 ? (node.children ?? []) : []));
  return [...inRequest, ...inFiles]
    .filter(({ number }) => number === 1 || number === 3)
    .map(({ payload }) => new TextDecoder().decode(payload));
}

function requirePaths(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const isPath =
      name.endsWith(".ts") && !name.includes("\\") && name.split("/").every((part) => !["", ".", ".."].includes(part));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
    ok(isPath && !/[\u0000-\u001f\u007f]/.test(name), `is no path within the output: ${JSON.stringify(name)}`);
    ok(!seen.has(name), `is there twice: ${name}`);
    seen.add(name);
  }
}

/** Whether a file is TypeScript, as far as its syntax is concerned. */
export function requireSyntax({ name, content }: Answer["files"][number]): void {
  try {
    parseSync(content, { syntax: "typescript", target: "es2022" });
  } catch (error) {
    throw new Error(`${name} does not parse`, { cause: error });
  }
}
