/**
 * The requests that plugins are measured with: the bytes that the real protoc sends, made once and kept in requests/.
 * Only those of single directories are put together here, as buf puts them together: out of parts of the whole.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { track } from "../processes/live.js";

/** From dist/codegen. */
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const googleProtos = path("../node_modules/google-proto-files");
const folder = path("requests");

/** A request without a parameter: a plugin's own is appended when it runs. */
export interface PluginRequest {
  readonly file: string;
  readonly files: number;
}

export async function smallRequest(): Promise<PluginRequest> {
  return dump("small", path("proto"), ["bench.proto"]);
}

/** pubsub, spanner, firestore and longrunning, and all that they import; the well-known types are there, but not asked for. */
export async function googleRequest(): Promise<PluginRequest> {
  const roots = ["google/pubsub/v1", "google/spanner/v1", "google/firestore/v1", "google/longrunning"].flatMap((name) =>
    protosBelow(name, false),
  );
  const { file } = await dump("google-roots", googleProtos, roots);
  const all = fieldsOf(readFileSync(file)).protos.map(({ name }) => name);
  const request = await dump("google", googleProtos, all.filter(isGoogles));
  return { ...request, files: all.length };
}

export async function everythingRequest(): Promise<PluginRequest> {
  return dump("everything", googleProtos, protosBelow("", true).filter(isGoogles));
}

/** One proto of a service with `rpcs` methods and of as many messages, each of which refers to another. */
export async function largeFileRequest(messages: number, rpcs: number): Promise<PluginRequest> {
  return synthetic(`file-${messages}-${rpcs}`, { "large.proto": protoText("large", messages, rpcs) });
}

/** So many protos, each with a small service. */
export async function manyFilesRequest(files: number): Promise<PluginRequest> {
  const names = Array.from({ length: files }, (_, i) => `many_${i}`);
  return synthetic(
    `files-${files}`,
    Object.fromEntries(names.map((name) => [`${name}.proto`, protoText(name, 20, 10)])),
  );
}

async function synthetic(name: string, protos: Readonly<Record<string, string>>): Promise<PluginRequest> {
  const root = `${folder}/${name}`;
  mkdirSync(root, { recursive: true });
  for (const [file, text] of Object.entries(protos)) writeFileSync(`${root}/${file}`, text);
  return dump(name, root, Object.keys(protos));
}

function protoText(name: string, messages: number, rpcs: number): string {
  const another = (i: number) => `Message${(i * 7 + 1) % messages}`;
  const types = Array.from(
    { length: messages },
    (_, i) => `// Message number ${i}.\nmessage Message${i} {\n  string name = 1;\n  ${another(i)} another = 2;\n}`,
  );
  const methods = Array.from(
    { length: rpcs },
    (_, i) => `  // Rpc number ${i}.\n  rpc Call${i}(Message${i % messages}) returns (${another(i)});`,
  );
  const service = `service Calls {\n${methods.join("\n")}\n}`;
  return `syntax = "proto3";\npackage bench.${name};\n${service}\n${types.join("\n")}\n`;
}

/** A request for each directory of the whole, or for so many of them that are spread evenly over all. */
export async function directoryRequests(limit: number): Promise<{ requests: PluginRequest[]; directories: number }> {
  const { protos, sources } = fieldsOf(readFileSync((await everythingRequest()).file));
  const byDirectory = groupByDirectory(protos);
  const names = [...byDirectory.keys()].sort();
  const step = Math.max(1, names.length / limit);
  const chosen = names.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const requests = chosen.map((name, i) => {
    const file = `${folder}/directory-${limit}-${i}.bin`;
    const generated = byDirectory.get(name)!;
    if (!existsSync(file)) writeFileSync(file, compose(generated, protos, sources));
    return { file, files: generated.length };
  });
  return { requests, directories: names.length };
}

/** The well-known types come with every generator's runtime. */
const isGoogles = (name: string) => !name.startsWith("google/protobuf/");

function protosBelow(name: string, recursive: boolean): string[] {
  return readdirSync(posix.join(googleProtos, name), { recursive, encoding: "utf8" })
    .filter((entry) => entry.endsWith(".proto"))
    .map((entry) => posix.join(name, entry))
    .sort();
}

async function dump(name: string, root: string, files: readonly string[]): Promise<PluginRequest> {
  const file = `${folder}/${name}.bin`;
  if (existsSync(file)) return { file, files: files.length };
  mkdirSync(folder, { recursive: true });
  // A command line has no room for thousands of names.
  writeFileSync(`${file}.args`, files.join("\n"));
  const unfinished = `${file}.tmp`;
  const flags = [`--plugin=protoc-gen-dump=${path("codegen/dump-request.mjs")}`, `--dump_out=${unfinished}:${folder}`];
  const args = [path("../node_modules/protoc/protoc.cjs"), "-I", root, ...flags, `@${file}.args`];
  const child = track(spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] }));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`protoc fails: ${stderr.trim().split("\n").at(-1)}`);
  renameSync(unfinished, file);
  return { file, files: files.length };
}

interface ProtoPart {
  readonly name: string;
  readonly imports: readonly string[];
  /** A FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

/** The parts of a CodeGeneratorRequest, undecoded but for names. */
function fieldsOf(request: Uint8Array): { protos: ProtoPart[]; sources: Map<string, Uint8Array> } {
  const protos: ProtoPart[] = [];
  const sources = new Map<string, Uint8Array>();
  const reader = new BinaryReader(request);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== 15 && field !== 17) {
      reader.skip(type, field);
      continue;
    }
    const part = protoPart(reader.bytes());
    if (field === 15) protos.push(part);
    else sources.set(part.name, part.bytes);
  }
  return { protos, sources };
}

function protoPart(bytes: Uint8Array): ProtoPart {
  let name = "";
  const imports: string[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) name = reader.string();
    else if (field === 3) imports.push(reader.string());
    else reader.skip(type, field);
  }
  return { name, imports, bytes };
}

function groupByDirectory(protos: readonly ProtoPart[]): Map<string, ProtoPart[]> {
  const groups = new Map<string, ProtoPart[]>();
  for (const proto of protos.filter(({ name }) => isGoogles(name))) {
    const directory = posix.dirname(proto.name);
    const group = groups.get(directory) ?? [];
    group.push(proto);
    groups.set(directory, group);
  }
  return groups;
}

/** A request for `generated`, with what they import; `all` is in the order of imports, and so is the result. */
function compose(generated: readonly ProtoPart[], all: readonly ProtoPart[], sources: ReadonlyMap<string, Uint8Array>) {
  const byName = new Map(all.map((proto) => [proto.name, proto]));
  const needed = new Set<string>();
  const need = (name: string) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const imported of byName.get(name)?.imports ?? []) need(imported);
  };
  for (const { name } of generated) need(name);
  const writer = new BinaryWriter();
  for (const { name } of generated) writer.tag(1, 2).string(name);
  for (const { name, bytes } of all) if (needed.has(name)) writer.tag(15, 2).bytes(bytes);
  for (const { name } of generated) writer.tag(17, 2).bytes(sources.get(name)!);
  return writer.finish();
}
