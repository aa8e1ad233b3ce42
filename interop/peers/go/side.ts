/** grpc-go as Debian has it: a client and a server in Go, in the files beside this one. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Side } from "../../matrix/side.js";
import type { Role } from "../peer.js";

const here = dirname(fileURLToPath(import.meta.url));
const interop = join(here, "../..");
const certificates = join(interop, "../fixtures/tls");
const program = join(interop, "build/go/grpc-go");

/** What Debian installs, and where from: libraries for GOPATH, which need no network. */
const libraries = "/usr/share/gocode";
const needs = {
  "/usr/bin/go": "golang-go",
  "/usr/bin/protoc": "protobuf-compiler",
  "/usr/bin/protoc-gen-go": "golang-goprotobuf-dev",
  [`${libraries}/src/google.golang.org/grpc`]: "golang-google-grpc-dev",
};

/** What is not installed here that grpc-go needs, and how to install it. */
export function missingForGrpcGo(): string | undefined {
  const missing = Object.entries(needs).filter(([path]) => !existsSync(path));
  if (missing.length === 0) return undefined;
  const paths = missing.map(([path]) => path).join(", ");
  return `grpc-go needs ${paths}: apt-get install --no-install-recommends ${missing.map(([, pkg]) => pkg).join(" ")}`;
}

const responsesAreAsRequests =
  "a grpc-go 1.33 server compresses responses only as their requests were, all of a stream alike (grpc/grpc-go#5744, #8972)";

const files: { readonly [R in Role]: readonly string[] } = {
  client: [`--ca_file=${join(certificates, "ca.pem")}`],
  server: [`--tls_cert_file=${join(certificates, "server.pem")}`, `--tls_key_file=${join(certificates, "server.key")}`],
};

export const grpcGo: Side & Required<Pick<Side, "prepare">> = {
  name: "grpc-go",
  isTrunkline: false,
  roles: ["client", "server"],
  limitations: {
    client: {},
    server: { server_compressed_unary: responsesAreAsRequests, server_compressed_streaming: responsesAreAsRequests },
  },
  command: (role, flags) => [program, role, ...files[role], ...flags],
  prepare: build,
};

/** Go's cache is kept beside the program: building again takes a second where building took a minute. */
async function build(): Promise<void> {
  const missing = missingForGrpcGo();
  if (missing !== undefined) throw new Error(missing);
  const folder = dirname(program);
  // The protos name no Go package: they become `grpc/testing`, which is the folder that they are in.
  const protos = ["empty", "messages", "test"].map((name) => `grpc/testing/${name}.proto`);
  const generator = "--plugin=protoc-gen-go=/usr/bin/protoc-gen-go";
  await mkdir(join(folder, "src"), { recursive: true });
  await run("/usr/bin/protoc", [
    generator,
    "-I",
    join(interop, "proto"),
    `--go_out=plugins=grpc:${folder}/src`,
    ...protos,
  ]);
  await run("/usr/bin/go", ["build", "-o", program, "."], {
    GO111MODULE: "off",
    GOPATH: `${folder}:${libraries}`,
    GOCACHE: join(folder, "cache"),
    GOFLAGS: "",
    CGO_ENABLED: "0",
  });
}

async function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const options = { cwd: here, env: { ...process.env, ...env } };
  await promisify(execFile)(file, args, options).catch((error: { readonly stderr: string }) => {
    // Before what is wrong Go says in which package.
    const line = error.stderr.split("\n").find((text) => text !== "" && !text.startsWith("#"));
    throw new Error(`grpc-go cannot be built: ${line ?? error}`);
  });
}
