/** Projects outside the repository that install the packed packages, and the one that the README describes. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { node } from "../node.js";

const root = resolve(".");

/** A package's file in the repository's own node_modules: the tools that a project is worked on with. */
export function tool(path: string): string {
  return join(root, "node_modules", path);
}

/**
 * A folder with both packages installed as a user gets them; outside the repository, so that nothing of it is found by
 * accident, and with a space in its path.
 */
export function installPacked(): string {
  const { folder, packages } = pack();
  writeFileSync(join(folder, "package.json"), "{}");
  npm(["install", "--prefer-offline", ...packages.map((name) => `./${name}`), "@bufbuild/protobuf"], folder);
  return folder;
}

/** A new folder, and the names of both packages' files in it. */
export function pack(): { readonly folder: string; readonly packages: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), "trunkline packed "));
  npm(["pack", "--workspaces", "--pack-destination", folder], root);
  return { folder, packages: readdirSync(folder).filter((name) => name.endsWith(".tgz")) };
}

export function npm(args: string[], cwd: string): void {
  execFileSync("npm", [...args, "--silent", "--no-audit", "--no-fund"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
}

/** A project in `folder` of the files that the README tells its reader to write. */
export function readmeProject(folder: string, packageJson: object): string {
  const project = mkdtempSync(join(folder, "project "));
  writeFileSync(join(project, "package.json"), JSON.stringify(packageJson));
  writeFiles(project, filesOfPage("README.md"));
  return project;
}

/** The files that a page tells its reader to write: path to text. */
export function filesOfPage(page: string): ReadonlyMap<string, string> {
  const blocks = readFileSync(page, "utf8").matchAll(/<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g);
  return new Map([...blocks].map(([, name, text]) => [name!, text!]));
}

/** Writes files into a project, and the folders that they are in. */
export function writeFiles(project: string, files: Iterable<readonly [name: string, text: string]>): void {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
}

/** Runs a script of Node.js in a project, with the project's own programs on the path; returns what it printed. */
export function run(project: string, script: string, ...args: string[]): string {
  const PATH = `${join(dirname(project), "node_modules/.bin")}${delimiter}${process.env.PATH}`;
  return node([script, ...args], { cwd: project, env: { ...process.env, PATH, NODE_OPTIONS: "" } });
}

/** What the README's client prints, line by line, against the README's server; both compiled before. */
export async function runReadme(project: string, runtime: string = process.execPath): Promise<string[]> {
  const server = spawn(runtime, ["dist/server.js", "localhost:0"], { cwd: project });
  try {
    const line = await new Promise<string>((resolveLine) => createInterface(server.stdout).once("line", resolveLine));
    const address = /^listening on (localhost:\d+)$/.exec(line)?.[1];
    return execFileSync(runtime, ["dist/client.js", address!], { cwd: project, encoding: "utf8" }).trim().split("\n");
  } finally {
    server.kill();
  }
}

/** What {@link runReadme} must give. */
export const readmeOutput: readonly string[] = [
  "Hello, Ada",
  "Hello for the 1. time, Grace",
  "Hello for the 2. time, Grace",
  "Hello for the 3. time, Grace",
  "INVALID_ARGUMENT: whom shall I greet?",
];
