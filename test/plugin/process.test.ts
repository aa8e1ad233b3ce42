import { spawnSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import { compileProtos, encodeRequest, filesOf, inDirectoryOf, readAll, requestFor, root } from "./compile-protos.js";
import { pluginPath, runPlugin } from "./plugin-process.js";
import { decodeResponse, responseBytes } from "./responses.js";

const greeter = readFileSync(join(root, "fixtures/proto/no_package.proto"), "utf8");
const bug = (name: string) => readFileSync(join(root, "fixtures/bugs", name), "utf8");

test("the process writes what the function yields", async () => {
  const request = requestFor({ "a.proto": greeter });
  const { stdout, stderr, status } = runPlugin(request);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  expect(Buffer.compare(stdout, await responseBytes(request))).toBe(0);
});

/** The greeter under another name and in a package of its own: of a field, the last value counts. */
function renamed(name: string): Uint8Array {
  const fields = new BinaryWriter().uint32(10).string(name).uint32(18).string(name.replace(".", "_"));
  return Buffer.concat([...filesOf(compileProtos({ "x.proto": withoutTypes })), fields.finish()]);
}

const withoutTypes = 'syntax = "proto3"; service Nothing {}';

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
    [
      "a tree of protos that lacks an import",
      encodeRequest({
        generate: ["b.proto"],
        files: filesOf(
          compileProtos({
            "a.proto": greeter,
            "b.proto": 'syntax = "proto3"; import "a.proto"; message M { Plain plain = 1; }',
          }),
        ).slice(1),
      }),
      "b.proto: imports a.proto, which is not among the files of the request: with protoc or an image, include all imports",
    ],
    [
      "an M that maps nothing",
      requestFor({ "a.proto": greeter }, "Mb/=@scope/b/"),
      "option Mb/ maps no proto of this request: remove it; with buf, which asks for each directory by itself, write strategy: all",
    ],
    [
      "a path for a module",
      requestFor({ "a.proto": greeter }, "Ma.proto=./b.js"),
      'option Ma.proto takes a module of a package, not "./b.js": write it as in Ma.proto=@scope/protos/b.js',
    ],
    [
      "options of the other library",
      requestFor({ "a.proto": greeter }, "protobuf_es.json_types=true"),
      "option protobuf_es.json_types does not go with messages=ts-proto: remove it, or write messages=protobuf-es",
    ],
    [
      "two protos whose services would be in one file",
      encodeRequest({
        generate: ["a", "a.proto"],
        parameter: "messages=protobuf-es",
        files: ["a", "a.proto"].map((name) => renamed(name)),
      }),
      "a_grpc.ts: is the output of a and of a.proto: rename one of the protos",
    ],
    [
      "a service in the place of another proto's messages",
      requestFor({ "a.proto": greeter, "a_grpc.proto": 'syntax = "proto3"; message M {}' }, "emit=services"),
      "a_grpc.ts: is the output of a.proto and of a_grpc.proto: rename one of the protos",
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

test.each([["ts-proto"], ["protobuf-es"]])("services alone load nothing but the plugin itself: %s", (library) => {
  const tell = `data:text/javascript,${encodeURIComponent(
    'import { writeSync } from "node:fs"; import Module from "node:module";' +
      'process.on("exit", () => writeSync(2, Object.keys(Module._cache).join("\\n")));',
  )}`;
  const { stderr, status } = runPlugin(requestFor({ "a.proto": greeter }, `messages=${library},emit=services`), {
    nodeOptions: ["--import", tell],
  });
  expect(status).toBe(0);
  expect(stderr.split("\n")).toEqual([pluginPath, join(root, "plugin/dist/main.js")]);
});

describe("a plugin of which something is missing", () => {
  test.each([
    ["ts-proto", "messages=ts-proto needs ts-proto, which is not installed: npm install --save-dev ts-proto@2.18.0"],
    [
      "protobuf-es",
      "messages=protobuf-es needs @bufbuild/protoc-gen-es, which is not installed: npm install --save-dev @bufbuild/protoc-gen-es@2.13.0",
    ],
  ])("says how to install %s, and does without it for services alone", (library, expected) => {
    inDirectoryOf({}, (directory) => {
      const plugin = join(directory, "plugin");
      for (const part of ["bin", "dist", "package.json"]) {
        cpSync(join(root, "plugin", part), join(plugin, part), { recursive: true });
      }
      cpSync(join(root, "node_modules/@bufbuild/protobuf"), join(directory, "node_modules/@bufbuild/protobuf"), {
        recursive: true,
      });
      const answer = (emit: string) => {
        const input = requestFor({ "a.proto": greeter }, `messages=${library},emit=${emit}`);
        return decodeResponse(spawnSync(process.execPath, [join(plugin, "bin/protoc-gen-ts.js")], { input }).stdout);
      };
      expect(answer("all")).toMatchObject({ error: expected, files: new Map() });
      expect(answer("services").error).toBe("");
    });
  });

  test("pins what it says", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "plugin/package.json"), "utf8"));
    expect(dependencies).toMatchObject({ "ts-proto": "2.18.0", "@bufbuild/protoc-gen-es": "2.13.0" });
  });
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
