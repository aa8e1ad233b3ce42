/** The gRPC of C-core, through Python and Debian's packages: built in C++, with nothing in common with the others. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Side } from "../../matrix/side.js";

const run = promisify(execFile);
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Debian's own: its modules are not there for an interpreter that stands before it in PATH. */
const python = "/usr/bin/python3";
const protoc = "/usr/bin/protoc";
const plugin = "/usr/bin/grpc_python_plugin";

const packages = "python3-grpcio python3-protobuf protobuf-compiler protobuf-compiler-grpc";

const perCall =
  "compression is of a call and not of each of its requests (grpc/grpc, src/python/grpcio/grpc/_channel.py: requests are sent with _EMPTY_FLAGS)";

export const pythonPeer: Side = {
  name: "C-core (Python)",
  isTrunkline: false,
  roles: ["client", "server"],
  limitations: { client: { client_compressed_streaming: perCall }, server: {} },
  command: (role, flags) => [python, path(`${role}.py`), ...flags],

  async prepare() {
    await run(python, ["-c", "import grpc, google.protobuf"]).catch(() => {
      throw missing(`${python} with grpc and protobuf`);
    });
    for (const program of [protoc, plugin]) if (!existsSync(program)) throw missing(program);
    const out = path("../../build/python");
    await mkdir(out, { recursive: true });
    const flags = [`--plugin=protoc-gen-grpc_python=${plugin}`, `--python_out=${out}`, `--grpc_python_out=${out}`];
    const protos = ["empty", "messages", "test"].map((name) => `grpc/testing/${name}.proto`);
    await run(protoc, ["-I", path("../../proto"), ...flags, ...protos]);
  },
};

function missing(what: string): Error {
  return new Error(`there is no ${what}: apt-get install --no-install-recommends ${packages}`);
}
