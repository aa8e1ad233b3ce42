import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readRequest } from "../../plugin/src/read-model.js";
import { encodeRequest, filesOf, inDirectoryOf, readAll, requestFor, root } from "./compile-protos.js";
import { pluginPath, runPlugin } from "./plugin-process.js";
import { decodeResponse, relativeImports, responseBytes } from "./responses.js";

const greeter = readFileSync(join(root, "fixtures/proto/no_package.proto"), "utf8");
const bug = (name: string) => readFileSync(join(root, "fixtures/bugs", name), "utf8");

test("the process writes what the function yields", async () => {
  const request = requestFor({ "a.proto": greeter });
  const { stdout, stderr, status } = runPlugin(request);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  expect(Buffer.compare(stdout, await responseBytes(request))).toBe(0);
});

describe("bad input", () => {
  const tooNew = new BinaryWriter().uint32(10).string("a.proto").uint32(98).string("editions").uint32(112).int32(1003);

  test.each([
    ["no request", new TextEncoder().encode("not a request")],
    ["a request cut short", requestFor({ "a.proto": greeter }).subarray(0, -1)],
  ])("%s: one line on stderr, exit code 1, nothing on stdout", (_, request) => {
    const { stdout, stderr, status } = runPlugin(request);
    expect({ status, bytes: stdout.length }).toEqual({ status: 1, bytes: 0 });
    expect(stderr).toMatch(/^protoc-gen-ts: the CodeGeneratorRequest on stdin cannot be parsed \([^\n]*\n$/);
  });

  test.each([
    [
      "a file to generate that is not there",
      encodeRequest({ generate: ["b.proto"], files: [] }),
      /^b.proto: is to be gen/,
    ],
    [
      "an unknown option",
      requestFor({ "a.proto": greeter }, "emti=all"),
      "there is no option emti: did you mean emit?",
    ],
    [
      "an unknown value",
      requestFor({ "a.proto": greeter }, "emit=a"),
      'option emit has no value "a": write emit=all|services',
    ],
    [
      "two rpcs that collide",
      requestFor({ "a.proto": bug("colliding_rpcs.proto") }),
      /^a.proto: bugs.Colliding.get_thing: rpc GetThing and rpc get_thing would both be called getThing/,
    ],
    [
      "a new edition",
      encodeRequest({ generate: ["a.proto"], files: [tooNew.finish()] }),
      /^a.proto: uses edition number 1003/,
    ],
    [
      "a file that ts-proto cannot do",
      requestFor({ "a.proto": bug("delimited.proto") }),
      /^a.proto: bugs.Delimited.self: has the feature message_encoding = DELIMITED/,
    ],
  ])("%s: one line in the response's error, exit code 0, no files", (_, request, expected) => {
    const { stdout, stderr, status } = runPlugin(request);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { error, files } = decodeResponse(stdout);
    expect(error).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
    expect(error).not.toContain("\n");
    expect(files.size).toBe(0);
  });
});

test("services alone load neither a message generator nor a compiler, and nothing but the wire format", () => {
  const hook = `data:text/javascript,${encodeURIComponent(
    'import { writeSync } from "node:fs"; import { registerHooks } from "node:module";' +
      'registerHooks({ load(url, context, next) { writeSync(2, url + "\\n"); return next(url, context); } });',
  )}`;
  const loader = `data:text/javascript,${encodeURIComponent(
    'import { writeSync } from "node:fs";' +
      'export async function load(url, context, next) { writeSync(2, url + "\\n"); return next(url, context); }',
  )}`;
  const old = `data:text/javascript,${encodeURIComponent(
    `import { register } from "node:module"; register(${JSON.stringify(loader)});`,
  )}`;
  const hasHooks = Number(process.versions.node.split(".")[0]) >= 24;
  const { stderr, status } = runPlugin(requestFor({ "a.proto": greeter }, "emit=services"), {
    nodeOptions: ["--import", hasHooks ? hook : old],
  });
  expect(status).toBe(0);
  const loaded = stderr.split("\n").filter((url) => url.startsWith("file:"));
  expect(loaded.some((url) => url.endsWith("plugin/dist/run.js"))).toBe(true);
  const foreign = loaded.filter((url) => url.includes("/node_modules/"));
  expect(foreign.filter((url) => !url.includes("/node_modules/@bufbuild/protobuf/"))).toEqual([]);
  expect(foreign.filter((url) => url.includes("/wkt/google/") || url.endsWith("/registry.js"))).toEqual([]);
  expect(foreign.length).toBeLessThan(25);
});

describe("google/pubsub/v1/pubsub.proto and all that it imports", () => {
  const entry = "google/pubsub/v1/pubsub.proto";
  const everything = join(root, "node_modules/google-proto-files");
  let directory = "";
  let names: string[] = [];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "trunkline pubsub "));
    runTool("protoc/protoc.cjs", ["-I", everything, "--include_imports", "-oset.binpb", entry]);
    const files = filesOf(readFileSync(join(directory, "set.binpb")));
    names = [...readRequest(encodeRequest({ generate: [], files })).files.keys()];
    for (const name of names) {
      mkdirSync(join(directory, "src", dirname(name)), { recursive: true });
      copyFileSync(join(everything, name), join(directory, "src", name));
    }
    writeFileSync(join(directory, "buf.yaml"), "version: v2\nmodules:\n  - path: src\n");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function runTool(script: string, args: readonly string[]): void {
    const { status, stderr } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
      cwd: directory,
    });
    if (status !== 0) throw new Error(stderr.toString());
  }

  function byBuf(strategy: "directory" | "all"): { readonly [path: string]: string } {
    const plugin = { local: ["node", pluginPath], out: `buf-${strategy}`, strategy };
    const template = JSON.stringify({ version: "v2", plugins: [plugin] });
    runTool("@bufbuild/buf/bin/buf", ["generate", "--template", template]);
    return readAll(join(directory, plugin.out), ".ts");
  }

  function byProtoc(): { readonly [path: string]: string } {
    mkdirSync(join(directory, "protoc"));
    runTool("protoc/protoc.cjs", ["-Isrc", `--plugin=protoc-gen-ts=${pluginPath}`, "--ts_out=protoc", ...names]);
    return readAll(join(directory, "protoc"), ".ts");
  }

  test("are the same bytes through buf, by directory and all at once, and through protoc; and no import dangles", () => {
    const expected = byProtoc();
    expect(Object.keys(expected).filter((name) => name.includes("pubsub"))).toEqual([
      "google/pubsub/v1/pubsub.ts",
      "google/pubsub/v1/pubsub_grpc.ts",
      "google/pubsub/v1/schema.ts",
      "google/pubsub/v1/schema_grpc.ts",
    ]);
    expect(byBuf("all")).toEqual(expected);
    expect(byBuf("directory")).toEqual(expected);
    const imports = Object.entries(expected).flatMap(([name, content]) =>
      relativeImports(content).map((specifier) => posix.join(posix.dirname(name), specifier).replace(/\.js$/, ".ts")),
    );
    expect(imports.length).toBeGreaterThan(10);
    expect(imports.filter((path) => expected[path] === undefined)).toEqual([]);
  }, 60_000);
});

describe("a compiler that is told of a fault", () => {
  test.each([
    ["buf", "@bufbuild/buf/bin/buf"],
    ["protoc", "protoc/protoc.cjs"],
  ])("shows it and writes nothing: %s", (tool, script) => {
    inDirectoryOf(
      { "src/a.proto": bug("colliding_rpcs.proto"), "src/b.proto": greeter, "out/.keep": "" },
      (directory) => {
        const template = JSON.stringify({ version: "v2", plugins: [{ local: ["node", pluginPath], out: "out" }] });
        const args =
          tool === "buf"
            ? ["generate", "src", "--template", template]
            : ["-Isrc", `--plugin=protoc-gen-ts=${pluginPath}`, "--ts_out=out", "a.proto", "b.proto"];
        const { status, stderr } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
          cwd: directory,
        });
        expect(status).not.toBe(0);
        expect(stderr.toString()).toContain("rpc GetThing and rpc get_thing would both be called getThing");
        expect(readAll(join(directory, "out"), ".ts")).toEqual({});
      },
    );
  });
});
