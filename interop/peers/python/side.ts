/** C-core, the gRPC of C++ and of the languages that wrap it, as Debian has it for Python. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Side } from "../../matrix/side.js";

/** Debian's own, which has the packages: another may stand before it in PATH. */
const python = "/usr/bin/python3";
const modules = "/usr/lib/python3/dist-packages";
const protoc = "/usr/bin/protoc";
const plugin = "/usr/bin/grpc_python_plugin";

const needs = {
  [`${modules}/grpc`]: "python3-grpcio",
  [`${modules}/google/protobuf`]: "python3-protobuf",
  [protoc]: "protobuf-compiler",
  [plugin]: "protobuf-compiler-grpc",
};

const ofCallOnly =
  "grpc for Python compresses all requests of a call or none (grpc/grpc, src/python/grpcio/grpc/_channel.py, _consume_request_iterator)";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const pythonPeer: Side & Required<Pick<Side, "prepare">> = {
  name: "C-core (Python)",
  isTrunkline: false,
  roles: ["client", "server"],
  limitations: { client: { client_compressed_streaming: ofCallOnly }, server: {} },
  command: (role, flags) => [python, path(`${role}.py`), ...flags],

  async prepare() {
    const missing = missingForPython();
    if (missing !== undefined) throw new Error(missing);
    const out = path("../../build/python");
    await mkdir(out, { recursive: true });
    const flags = [`--plugin=protoc-gen-grpc_python=${plugin}`, `--python_out=${out}`, `--grpc_python_out=${out}`];
    const protos = ["empty", "messages", "test"].map((name) => `grpc/testing/${name}.proto`);
    await promisify(execFile)(protoc, ["-I", path("../../proto"), ...flags, ...protos]);
  },
};

/** What is not installed here that the peer needs, and how to install it. */
export function missingForPython(): string | undefined {
  const missing = Object.entries(needs).filter(([path]) => !existsSync(path));
  if (missing.length === 0) return undefined;
  const [paths, packages] = [0, 1].map((i) => missing.map((entry) => entry[i]));
  return `${pythonPeer.name} needs ${paths!.join(", ")}: apt-get install --no-install-recommends ${packages!.join(" ")}`;
}
