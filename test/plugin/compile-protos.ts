/** Descriptors for tests, made by the real compiler. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const protocScript = join(root, "node_modules/protoc/protoc.cjs");

/** Path to proto text. */
export type Protos = { readonly [path: string]: string };

/** Runs protoc; its stderr goes into the error where it fails. */
export function protoc(args: readonly string[], cwd: string): void {
  execFileSync(process.execPath, [protocScript, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
}

/** Has `use` work in a new directory with these files in it. */
export function inDirectoryOf<T>(protos: Protos, use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "trunkline "));
  try {
    for (const [path, text] of Object.entries(protos)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The files below a directory whose names end so: path to text, sorted. */
export function readAll(directory: string, extension: string): Protos {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(extension),
  );
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}

const compiled = new Map<string, Uint8Array>();

/** Compiles protos to an encoded FileDescriptorSet with all that there is in them; the same ones once only. */
export function compileProtos(protos: Protos): Uint8Array {
  const key = JSON.stringify(protos);
  let set = compiled.get(key);
  if (set === undefined) {
    set = inDirectoryOf(protos, (directory) => {
      const out = ["--descriptor_set_out=set.bin", "--include_imports", "--include_source_info", "--retain_options"];
      protoc(["-I.", ...out, ...Object.keys(protos)], directory);
      return new Uint8Array(readFileSync(join(directory, "set.bin")));
    });
    compiled.set(key, set);
  }
  return set;
}

/** The encoded FileDescriptorProtos of an encoded FileDescriptorSet. */
export function filesOf(set: Uint8Array): Uint8Array[] {
  const files: Uint8Array[] = [];
  const reader = new BinaryReader(set);
  while (reader.pos < reader.len) {
    reader.uint32();
    files.push(reader.bytes());
  }
  return files;
}

/** An encoded CodeGeneratorRequest. */
export function encodeRequest(request: {
  readonly generate: readonly string[];
  readonly parameter?: string;
  readonly files: readonly Uint8Array[];
}): Uint8Array {
  const writer = new BinaryWriter();
  for (const name of request.generate) writer.uint32((1 << 3) | 2).string(name);
  if (request.parameter !== undefined) writer.uint32((2 << 3) | 2).string(request.parameter);
  for (const file of request.files) writer.uint32((15 << 3) | 2).bytes(file);
  return writer.finish();
}

/** A request to generate all of `protos`, or those named. */
export function requestFor(protos: Protos, parameter = "", generate = Object.keys(protos)): Uint8Array {
  return encodeRequest({ generate, parameter, files: filesOf(compileProtos(protos)) });
}
