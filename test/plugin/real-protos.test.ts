/** Google's own protos through the real compilers: what they have written, and what tsc says of it. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Protos, readAll, root } from "./compile-protos.js";
import { pluginPath } from "./plugin-process.js";
import { realEntries, realProtos } from "./real-protos.js";
import { relativeImports } from "./responses.js";
import { writeTsconfig } from "./tsconfig-of-generated.js";

let directory = "";

beforeAll(() => {
  // Inside of the repository, so that what is generated finds @bufbuild/protobuf.
  mkdirSync(join(root, "test/tmp"), { recursive: true });
  directory = mkdtempSync(join(root, "test/tmp/real protos "));
  for (const [path, text] of Object.entries(realProtos())) {
    mkdirSync(join(directory, "src", dirname(path)), { recursive: true });
    writeFileSync(join(directory, "src", path), text);
  }
  writeFileSync(join(directory, "buf.yaml"), "version: v2\nmodules:\n  - path: src\n");
});
afterAll(() => rmSync(directory, { recursive: true }));

function run(script: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
    cwd: directory,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stdout + stderr);
  return stderr;
}

/** buf complains on stderr where two calls write one file. */
function byBuf(parameter: string, strategy: "directory" | "all", more: readonly string[] = []): Protos {
  const out = mkdtempSync(join(directory, "buf-"));
  const plugin = { local: ["node", pluginPath], out, strategy, opt: parameter };
  const template = JSON.stringify({ version: "v2", plugins: [plugin] });
  expect(run("@bufbuild/buf/bin/buf", ["generate", "--template", template, ...more])).toBe("");
  return readAll(out, ".ts");
}

function byProtoc(parameter: string, names: readonly string[]): Protos {
  const out = mkdtempSync(join(directory, "protoc-"));
  const plugin = [`--plugin=protoc-gen-ts=${pluginPath}`, `--ts_out=${out}`, `--ts_opt=${parameter}`];
  run("protoc/protoc.cjs", ["-Isrc", ...plugin, ...names]);
  return readAll(out, ".ts");
}

/** What the four import for options alone: nothing of it is in a field of theirs, nor in a field of what is. */
const onlyOptions = [
  ...["annotations", "client", "field_behavior", "field_info", "http", "launch_stage", "resource", "routing"].map(
    (name) => `google/api/${name}.ts`,
  ),
  "google/protobuf/descriptor.ts",
];

function without(all: Protos, names: readonly string[]): Protos {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
}

/** Relative imports of which no file is there. */
function dangling(all: Protos): string[] {
  return Object.entries(all).flatMap(([name, content]) =>
    relativeImports(content)
      .map((specifier) => posix.join(posix.dirname(name), specifier).replace(/\.js$/, ".ts"))
      .filter((path) => all[path] === undefined),
  );
}

test("there are 39 of them", () => {
  expect(Object.keys(realProtos())).toHaveLength(39);
});

describe.each([
  ["ts-proto", ".ts"],
  ["protobuf-es", "_pb.ts"],
])("with messages=%s", (library, suffix) => {
  const parameter = `messages=${library}`;
  let expected: Protos = {};
  beforeAll(() => {
    expected = byProtoc(parameter, Object.keys(realProtos()));
  }, 60_000);

  test("the four services and all their messages are there", () => {
    const wellKnown = library === "protobuf-es" ? /^google\/protobuf\// : /^$/;
    const messages = Object.keys(realProtos())
      .filter((name) => !wellKnown.test(name))
      .map((name) => name.replace(/\.proto$/, suffix));
    // Schema, of pubsub, has a service as well.
    const services = [...realEntries, "google/pubsub/v1/schema.proto"].map((name) =>
      name.replace(".proto", "_grpc.ts"),
    );
    expect(Object.keys(expected)).toEqual([...messages, ...services].sort());
  });

  test("they are the same bytes through buf, by directory and all at once, and through protoc", () => {
    expect(byBuf(parameter, "all")).toEqual(expected);
    expect(byBuf(parameter, "directory")).toEqual(expected);
    expect(byBuf(parameter, "directory", ["--include-imports"])).toEqual(expected);
  }, 120_000);

  test("messages are the same where only the four are asked for, by protoc and by buf with all imports", () => {
    const services = (all: Protos) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => !/schema_grpc/.test(name)));
    const four = byProtoc(parameter, realEntries);
    expect(four).toEqual(without(services(expected), library === "ts-proto" ? onlyOptions : []));
    expect(dangling(four)).toEqual([]);
    // With all imports buf asks for all but those of google/protobuf/, so that they come only where they are used.
    const asked = without(services(expected), library === "ts-proto" ? ["google/protobuf/descriptor.ts"] : []);
    const paths = realEntries.flatMap((name) => ["--path", `src/${name}`]);
    expect(services(byBuf(parameter, "all", ["--include-imports", ...paths]))).toEqual(asked);
    expect(services(byBuf(parameter, "directory", ["--include-imports", ...paths]))).toEqual(asked);
  }, 120_000);

  test("no import dangles", () => {
    expect(Object.values(expected).flatMap(relativeImports).length).toBeGreaterThan(50);
    expect(dangling(expected)).toEqual([]);
  });

  test("tsc passes with every flag", () => {
    const folder = mkdtempSync(join(directory, "tsc-"));
    for (const [name, content] of Object.entries(expected)) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    run("typescript/bin/tsc", ["-p", writeTsconfig(folder)]);
  }, 60_000);
});

describe("enums as TypeScript's own pass all flags but erasableSyntaxOnly", () => {
  test.each([
    ["messages=ts-proto,ts_proto.enumsAsLiterals=false"],
    ["messages=protobuf-es,protobuf_es.erasable_syntax=false"],
  ])("%s", (parameter) => {
    const folder = mkdtempSync(join(directory, "tsc-"));
    for (const [name, content] of Object.entries(byProtoc(parameter, ["google/pubsub/v1/pubsub.proto"]))) {
      mkdirSync(join(folder, dirname(name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const { stdout } = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-p", writeTsconfig(folder)],
      { encoding: "utf8" },
    );
    // TS1294: this syntax is not allowed when erasableSyntaxOnly is enabled.
    expect([...new Set(stdout.match(/TS\d+/g))]).toEqual(["TS1294"]);
  });
});
