/**
 * Projects on the packed packages: the README's, made of its own snippets, as an ES module and as CommonJS; and one whose
 * messages are partly those of another package.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { managedMode, publishMoney, shopProject } from "../../test/packages/layout.js";
import { installPacked, readmeOutput, readmeProject, run, runReadme, tool } from "../../test/packages/project.js";

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

describe.each(["ts-proto", "protobuf-es"])("messages of another package, with messages=%s", (messages) => {
  const options = [`messages=${messages}`, "Macme/money/=@acme/protos/acme/money/", "index=package"];
  const read = (project: string) =>
    readdirSync(join(project, "gen"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .sort()
      .map((name) => [name, readFileSync(join(project, "gen", name), "utf8")] as const);

  test("are imported from there, compile and run; an index of the package exports the rest", () => {
    publishMoney(folder, messages);
    const project = shopProject(folder, options);
    const suffix = messages === "ts-proto" ? "" : "_pb";
    const generated = ["index.ts", `item${suffix}.ts`, `shop${suffix}.ts`, "shop_grpc.ts"];
    expect(read(project).map(([name]) => name)).toEqual(generated.map((name) => `shop/v1/${name}`).sort());
    run(project, tool("typescript/bin/tsc"), "--typeRoots", tool("@types"));
    expect(run(project, "dist/main.js")).toBe("CHF 42n\n");
  }, 120_000);

  test("follow buf's managed mode where they have an answer to it; services and indexes do not change", () => {
    const isService = ([name]: readonly [string, string]) => /_grpc\.ts$|index\.ts$/.test(name);
    const managed = read(shopProject(folder, options, managedMode));
    expect(managed.filter(isService)).toEqual(read(shopProject(folder, options)).filter(isService));
    // ts-proto has an option of its own for that, and forceLong.
    const number = messages === "protobuf-es" ? "number: string" : "number: bigint";
    expect(managed.find(([name]) => name.includes("item"))?.[1]).toContain(number);
  }, 120_000);
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
