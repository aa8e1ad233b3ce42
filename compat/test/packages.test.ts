/** The packages as packages: what publint and attw say, how large they are, what a bundler makes of generated code. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { installPacked, run, tool } from "../../test/packages/project.js";

let folder: string;
beforeAll(() => {
  folder = installPacked();
});
afterAll(() => rmSync(folder, { recursive: true }));

const installed = (name: string) => join(folder, "node_modules", name);

test.each(["@trunkline/runtime", "@trunkline/protoc-gen-ts"])("publint finds nothing in %s", async (name) => {
  const { messages, pkg } = await publint({ pkgDir: installed(name), strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test("attw finds nothing in the runtime", () => {
  const tarball = readdirSync(folder).find((file) => file.startsWith("trunkline-runtime"));
  const attw = resolve("compat/node_modules/@arethetypeswrong/cli/dist/index.js");
  // The resolution of TypeScript before 4.7 knows no subpaths, and is gone from TypeScript 7.
  execFileSync(process.execPath, [attw, join(folder, tarball!), "--profile", "node16"], { encoding: "utf8" });
});

function files(under: string): string[] {
  return readdirSync(under, { recursive: true, encoding: "utf8" })
    .map((name) => join(under, name))
    .filter((path) => statSync(path).isFile());
}

const sizeOf = (paths: readonly string[]) => paths.reduce((sum, path) => sum + statSync(path).size, 0);
/** Services that an operator may add to a server, each its own import, with the code that is generated for them. */
const services = /[\\/](gen|health|reflection|channelz|status-page)[\\/.]/;

/** The transport http2, loaded by its first use, with what connects for it, and grpc-js' clients that can be put on it. */
const http2 =
  /[\\/](transport[\\/](http2[\\/]|grpc-js[\\/](channel-override|override-))|client[\\/]bare-|connection[\\/](balanced-channel|waiting-calls|resolver|load-balancing|socket|subchannel))/;

/** What tests import, and no program. */
const mocks = /[\\/](esm|cjs)[\\/]mock[\\/.]/;

/** A program loads one of the two builds, and what it imports, or speaks with, besides. */
test.each(["esm", "cjs"])("the runtime's %s build is under 300 KB, its transport http2 under 170 KB more", (build) => {
  const all = files(join(installed("@trunkline/runtime"), "dist", build));
  const core = all.filter(
    (file) =>
      ![services, http2, mocks].some((besides) => besides.test(file)) &&
      !/[\\/](interceptors|in-process|options)[\\/.]/.test(file),
  );
  expect(core.length).toBeLessThan(all.length);
  expect(sizeOf(core)).toBeLessThan(300_000);
  const transport = all.filter((file) => http2.test(file));
  expect(transport.length).toBeGreaterThan(60);
  expect(sizeOf(transport)).toBeLessThan(170_000);
});

/** Not a goal, but what it has come to; it is to become less. */
test("the runtime is under 650 KB unpacked, both builds and all interceptors; http2 under 340 KB, the services for operators under 400 KB and mocks under 25 KB more", () => {
  const all = files(installed("@trunkline/runtime"));
  const others = all.filter((file) => ![services, http2, mocks].some((besides) => besides.test(file)));
  expect(sizeOf(others)).toBeLessThan(650_000);
  expect(sizeOf(all.filter((file) => http2.test(file)))).toBeLessThan(340_000);
  expect(sizeOf(all.filter((file) => services.test(file)))).toBeLessThan(400_000);
  const ofMocks = all.filter((file) => mocks.test(file));
  expect(ofMocks.length).toBeGreaterThan(5);
  expect(sizeOf(ofMocks)).toBeLessThan(25_000);
});

test("the runtime has no dependency that it does not load", () => {
  const code = files(join(installed("@trunkline/runtime"), "dist/esm"))
    .filter((file) => file.endsWith(".js"))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  const { dependencies } = JSON.parse(readFileSync(join(installed("@trunkline/runtime"), "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) expect(code).toMatch(new RegExp(`(from|import\\() ?"${name}["/]`));
});

describe("a bundler", () => {
  const services = 20;
  const proto = `syntax = "proto3"; package many;
${Array.from(
  { length: services },
  (_, i) => `service S${i} { rpc Call${i}(Q${i}) returns (R${i}); }
message Q${i} { string only_in_request_${i} = 1; } message R${i} { string only_in_response_${i} = 1; }`,
).join("\n")}`;

  async function bundle(entry: string): Promise<string> {
    const project = mkdtempSync(join(folder, "bundle "));
    writeFileSync(join(project, "package.json"), '{"type":"module","sideEffects":false}');
    writeFileSync(join(project, "many.proto"), proto);
    mkdirSync(join(project, "gen"));
    const plugin = `--plugin=protoc-gen-ts=${join(folder, "node_modules/.bin/protoc-gen-ts")}`;
    run(project, tool("protoc/protoc.cjs"), plugin, "-I", ".", "--ts_out=gen", "many.proto");
    writeFileSync(join(project, "entry.ts"), entry);
    const { outputFiles } = await build({
      entryPoints: [join(project, "entry.ts")],
      bundle: true,
      platform: "node",
      format: "esm",
      write: false,
      external: ["@grpc/grpc-js", "@bufbuild/protobuf"],
    });
    return outputFiles[0]!.text;
  }

  test("takes one client of a file and leaves the other services' code", async () => {
    const one = await bundle('export { s3Client } from "./gen/many_grpc.js";');
    expect(one).toContain("onlyInRequest3");
    const others = Array.from({ length: services }, (_, i) => i).filter((i) => i !== 3);
    for (const i of others) expect(one).not.toMatch(new RegExp(`onlyIn(Request|Response)${i}\\b|Call${i}\\b`));
    const all = await bundle('export * from "./gen/many_grpc.js";');
    const [small, large] = [one.length, all.length];
    // The runtime is in both; what the other nineteen services weigh is in one only.
    expect(large - small).toBeGreaterThan(19 * 1000);
  });

  test("takes what generated code imports of the runtime, and no transport before it is used", async () => {
    const one = await bundle('export { s3Client } from "./gen/many_grpc.js";');
    expect(one).not.toMatch(/^import .*grpc-js/m);
  });
});
