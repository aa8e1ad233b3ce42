/** The README's project, made of its own snippets, on the packed packages: as an ES module and as CommonJS. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installPacked, readmeOutput, readmeProject, run, runReadme, tool } from "./project.js";

let folder: string;
beforeAll(() => {
  folder = installPacked();
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ["an ES module", { type: "module" }],
  ["CommonJS", {}],
])("the README's project as %s", (_what, packageJson) => {
  test("generates, compiles and runs", async () => {
    const project = readmeProject(folder, packageJson);
    run(project, tool("@bufbuild/buf/bin/buf"), "generate", "proto");
    const generated = join(project, "gen");
    cpSync(generated, join(project, "by buf"), { recursive: true });
    rmSync(generated, { recursive: true });
    mkdirSync(generated);
    const plugin = `--plugin=protoc-gen-ts=${join(folder, "node_modules/.bin/protoc-gen-ts")}`;
    run(project, tool("protoc/protoc.cjs"), plugin, "-I", "proto", "--ts_out=gen", "greeter.proto");
    expect(readdirSync(generated)).toEqual(["greeter.ts", "greeter_grpc.ts"]);
    for (const name of readdirSync(generated)) {
      expect(readFileSync(join(generated, name), "utf8")).toBe(readFileSync(join(project, "by buf", name), "utf8"));
    }

    run(project, tool("typescript/bin/tsc"), "--typeRoots", tool("@types"));
    expect(await runReadme(project)).toEqual(readmeOutput);
  }, 60_000);
});

test.each([["protoc-gen-ts"], ["protoc-gen-trunkline"]])(
  "npx %s tells who it is, and how it is used",
  (name) => {
    const npx = (...args: readonly string[]) => {
      // What is installed, or nothing: not what a registry has by this name.
      const env = { ...process.env, npm_config_yes: "false" };
      const { status, stdout } = spawnSync("npx", [name, ...args], { cwd: folder, env, encoding: "utf8" });
      return { status, stdout };
    };
    const { version } = JSON.parse(readFileSync("plugin/package.json", "utf8"));
    expect(npx("--version")).toEqual({ status: 0, stdout: `@trunkline/protoc-gen-ts ${version}\n` });
    expect(npx("--help")).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^protoc-gen-ts makes [\s\S]*messages=ts-proto/),
    });
    expect(npx("greeter.proto")).toEqual({ status: 2, stdout: "" });
  },
  60_000,
);
