/** What is built runs on every supported Node.js. */
import { existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { installPacked, readmeOutput, readmeProject, run, runReadme, tool } from "../../test/packages/project.js";

const runtimes = [
  { version: process.version, path: process.execPath },
  { version: "v22", path: resolve("compat/node_modules/node-22/bin/node") },
  { version: "v24", path: resolve("compat/node_modules/node-24/bin/node") },
];

let folder: string;
beforeAll(() => {
  folder = installPacked();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(["module", "commonjs"])("the README's project of type %s", (type) => {
  let project: string;
  beforeAll(() => {
    project = readmeProject(folder, { type });
    run(project, tool("@bufbuild/buf/bin/buf"), "generate", "proto");
    run(project, tool("typescript/bin/tsc"), "--typeRoots", tool("@types"));
  });

  test.each(runtimes)("runs on Node.js $version", async ({ path }) => {
    expect(existsSync(path)).toBe(true);
    expect(await runReadme(project, path)).toEqual(readmeOutput);
  });
});
