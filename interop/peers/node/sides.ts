/** connect-node and nice-grpc as sides of the matrix; they run in a package of their own, which has what they need. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundle, bundleOf } from "../../matrix/bundle.js";
import type { Side } from "../../matrix/side.js";
import type { Limitations, Role } from "../peer.js";
import { limitations as ofConnectNode } from "./connect-node/limitations.js";
import { limitations as ofNiceGrpc } from "./nice-grpc/limitations.js";

function sideOf(name: string, limitations: { readonly [R in Role]: Limitations }): Side {
  return {
    name,
    isTrunkline: false,
    roles: ["client", "server"],
    limitations,
    command: (role, flags) => [process.execPath, bundleOf(path("main.ts")), role, "--peer", name, ...flags],
    prepare,
  };
}

export const nodeSides: readonly Side[] = [sideOf("connect-node", ofConnectNode), sideOf("nice-grpc", ofNiceGrpc)];

/** Folder below gen/, plugin, and its parameter. */
const generators: readonly (readonly [folder: string, plugin: string, parameter: string])[] = [
  ["protobuf-es", "@bufbuild/protoc-gen-es/bin/protoc-gen-es", "target=ts,import_extension=js"],
  [
    "ts-proto",
    "ts-proto/protoc-gen-ts_proto",
    "outputServices=nice-grpc,outputServices=generic-definitions,useExactTypes=false,esModuleInterop=true,importSuffix=.js",
  ],
];

const protos = ["test.proto", "messages.proto", "empty.proto"].map((name) => `grpc/testing/${name}`);

let prepared: Promise<void> | undefined;

/** Installs the package where it is not, generates the messages with the generators of its own, and checks its types; then it is one module. */
function prepare(): Promise<void> {
  prepared ??= (async () => {
    // npm writes this file at the end of every installation.
    const installed = statSync(path("node_modules/.package-lock.json"), { throwIfNoEntry: false });
    if (installed === undefined || installed.mtimeMs < statSync(path("package-lock.json")).mtimeMs) {
      run("npm ci", "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund");
    }
    rmSync(path("gen"), { recursive: true, force: true });
    const flags = generators.flatMap(([folder, plugin, parameter]) => {
      mkdirSync(path(`gen/${folder}`), { recursive: true });
      const out = `--${folder}_out=${parameter}:${path(`gen/${folder}`)}`;
      return [`--plugin=protoc-gen-${folder}=${path(`node_modules/${plugin}`)}`, out];
    });
    const protoc = path("../../../node_modules/protoc/protoc.cjs");
    run("protoc", process.execPath, protoc, "-I", path("../../proto"), ...flags, ...protos);
    run("tsc", process.execPath, path("../../../node_modules/typescript/bin/tsc"), "-p", ".");
    await bundle(path("main.ts"));
  })();
  return prepared;
}

function run(name: string, program: string, ...args: readonly string[]): void {
  // What goes to stdout there is no result of the matrix.
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", 2, 2], cwd: path(".") });
  if (error === undefined && status === 0) return;
  throw new Error(
    `no connect-node and no nice-grpc: ${name} in interop/peers/node failed (${error ?? status}), see above`,
  );
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
