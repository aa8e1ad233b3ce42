/** The README's project, made of its own snippets, on the packed packages: as an ES module and as CommonJS. */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";

const root = resolve(".");
const modules = join(root, "node_modules");

/** Outside the repository, so that nothing of it is found by accident, and with a space in its path. */
const folder = mkdtempSync(join(tmpdir(), "trunkline packed "));
afterAll(() => rmSync(folder, { recursive: true }));

function npm(args: string[], cwd: string): void {
  execFileSync("npm", [...args, "--silent", "--no-audit", "--no-fund"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
}

beforeAll(() => {
  npm(["pack", "--workspaces", "--pack-destination", folder], root);
  const packed = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), "{}");
  npm(["install", "--prefer-offline", ...packed.map((name) => `./${name}`), "@bufbuild/protobuf"], folder);
}, 120_000);

/** The files that the README tells its reader to write. */
function readme(): { readonly name: string; readonly text: string }[] {
  const blocks = readFileSync("README.md", "utf8").matchAll(/<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g);
  return [...blocks].map(([, name, text]) => ({ name: name!, text: text! }));
}

function node(args: string[], cwd: string): string {
  const PATH = `${join(folder, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
  return execFileSync(process.execPath, args, { cwd, encoding: "utf8", env: { ...process.env, PATH } });
}

describe.each([
  ["an ES module", { type: "module" }],
  ["CommonJS", {}],
])("the README's project as %s", (_what, packageJson) => {
  test("generates, compiles and runs", async () => {
    const project = mkdtempSync(join(folder, "project "));
    writeFileSync(join(project, "package.json"), JSON.stringify(packageJson));
    for (const { name, text } of readme()) {
      mkdirSync(dirname(join(project, name)), { recursive: true });
      writeFileSync(join(project, name), text);
    }
    expect(readdirSync(project).sort()).toEqual(
      ["buf.gen.yaml", "client.ts", "package.json", "proto", "server.ts", "tsconfig.json"].sort(),
    );

    node([join(modules, "@bufbuild/buf/bin/buf"), "generate", "proto"], project);
    const generated = join(project, "gen");
    cpSync(generated, join(project, "buf gen"), { recursive: true });
    rmSync(generated, { recursive: true });
    mkdirSync(generated);
    const plugin = join(folder, "node_modules/.bin/protoc-gen-ts");
    const protoc = [join(modules, "protoc/protoc.cjs"), `--plugin=protoc-gen-ts=${plugin}`, "-I", "proto"];
    node([...protoc, "--ts_out=gen", "greeter.proto"], project);
    for (const name of readdirSync(generated)) {
      const [byProtoc, byBuf] = [generated, join(project, "buf gen")].map((dir) =>
        readFileSync(join(dir, name), "utf8"),
      );
      expect(byProtoc).toBe(byBuf);
    }

    node([join(modules, "typescript/bin/tsc"), "--typeRoots", join(modules, "@types")], project);
    const server = spawn(process.execPath, ["dist/server.js", "localhost:0"], { cwd: project });
    try {
      const [line] = await new Promise<string[]>((done) =>
        createInterface(server.stdout).once("line", (...is) => done(is)),
      );
      const address = /^listening on (localhost:\d+)$/.exec(line!)?.[1];
      expect(node(["dist/client.js", address!], project).trim().split("\n")).toEqual([
        "Hello, Ada",
        "Hello for the 1. time, Grace",
        "Hello for the 2. time, Grace",
        "Hello for the 3. time, Grace",
        "INVALID_ARGUMENT: whom shall I greet?",
      ]);
    } finally {
      server.kill();
    }
  }, 60_000);
});
