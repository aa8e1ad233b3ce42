/**
 * Makes gen/ of proto/bench.proto, each folder by the generator whose messages or stubs a contender runs on. Every run
 * of the bench does so: it takes a second, and what is measured is never the output of an older plugin.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const tsProto = "node_modules/ts-proto/protoc-gen-ts_proto";
const ours = "../plugin/bin/protoc-gen-ts.js";

/** Folder below gen/, plugin, and its parameter. */
const generators: readonly (readonly [folder: string, plugin: string, parameter: string])[] = [
  ["ts-proto-grpc-js", tsProto, "outputServices=grpc-js,esModuleInterop=true,importSuffix=.js"],
  [
    "ts-proto-nice-grpc",
    tsProto,
    "outputServices=nice-grpc,outputServices=generic-definitions,useExactTypes=false,esModuleInterop=true,importSuffix=.js",
  ],
  ["protobuf-es", "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es", "target=ts,import_extension=js"],
  ["trunkline-ts-proto", ours, ""],
  ["trunkline-ts-proto-full", ours, "requests=full"],
  ["trunkline-protobuf-es", ours, "messages=protobuf-es"],
];

function node(...args: readonly string[]): void {
  const { status, error } = spawnSync(process.execPath, [...args], { stdio: "inherit", cwd: path(".") });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(path("gen"), { recursive: true, force: true });
const flags = generators.flatMap(([folder, plugin, parameter]) => {
  mkdirSync(path(`gen/${folder}`), { recursive: true });
  return [`--plugin=protoc-gen-${folder}=${path(plugin)}`, `--${folder}_out=${parameter}:${path(`gen/${folder}`)}`];
});
node(path("../node_modules/protoc/protoc.cjs"), "-I", path("proto"), ...flags, "bench.proto");

mkdirSync(path("gen/protobufjs"));
const pbjs = ["-t", "static-module", "-w", "commonjs", "--no-comments", "-o", path("gen/protobufjs/bench.cjs")];
node(path("node_modules/protobufjs-cli/bin/pbjs"), ...pbjs, path("proto/bench.proto"));
