/** A migration guide as a project: its files written out, its code generated and compiled, its programs run. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { installPacked, run, tool } from "../../test/packages/project.js";

/**
 * Code blocks of a guide by the file that they are, and what the guide says that its programs print.
 *
 * Code is fenced as `typescript`: a `ts` block of docs/ is an example for the README's service, which another test runs.
 */
export interface Guide {
  readonly files: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, readonly string[]>;
}

export function readGuide(page: string): Guide {
  const text = readFileSync(`docs/${page}.md`, "utf8");
  const blocks = [...text.matchAll(/<!-- (file|output): (\S+) -->\n```\w+\n([\s\S]*?)```/g)];
  const of = (kind: string) => blocks.filter((block) => block[1] === kind).map(([, , name, body]) => [name!, body!]);
  return {
    files: new Map(of("file").map(([name, body]) => [name!, body!])),
    outputs: new Map(of("output").map(([name, body]) => [name!, body!.trim().split("\n")])),
  };
}

/** What the guides' programs are written with besides our packages, in the versions that are installed here. */
const libraries = [
  ...["nice-grpc", "nice-grpc-client-middleware-deadline", "@grpc/proto-loader"].map(ofCompat),
  ...["@connectrpc/connect", "@connectrpc/connect-node"].map(ofCompat),
  ...["ts-proto", "@bufbuild/protoc-gen-es"].map((name) => ({ name, folder: tool(name) })),
];

function ofCompat(name: string): { name: string; folder: string } {
  return { name, folder: resolve("compat/node_modules", name) };
}

/** {@link installPacked}, with all that somebody who migrates has installed: one copy of grpc-js among them. */
export function installForGuides(): string {
  const folder = installPacked();
  const wanted = libraries.map(({ name, folder }) => {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name}@${version}`;
  });
  const quiet = ["--prefer-offline", "--silent", "--no-audit", "--no-fund"];
  execFileSync("npm", ["install", ...quiet, ...wanted], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  return folder;
}

/** The guide's files in a project of its own, with the code that its commands generate; type-checked and compiled. */
export function buildGuide(folder: string, guide: Guide): string {
  const project = mkdtempSync(join(folder, "guide "));
  for (const [name, text] of guide.files) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  for (const [, args] of guide.files.get("generate.sh")!.matchAll(/^npx protoc (.+)$/gm)) {
    // protoc, unlike buf, wants the folder to be there.
    for (const [, out] of args!.matchAll(/--\w+_out=(\S+)/g)) mkdirSync(join(project, out!), { recursive: true });
    run(project, tool("protoc/protoc.cjs"), ...args!.split(" "));
  }
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    strict: true,
    types: ["node"],
    typeRoots: [tool("@types")],
    rootDir: ".",
    outDir: "dist",
  };
  const config = { compilerOptions, include: ["before", "after", "steps"] };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  run(project, tool("typescript/bin/tsc"));
  return project;
}

/** A server program of a guide, from its first line on. */
export class GuideServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  #stderr = "";
  #onLine = () => {};

  constructor(project: string, program: string) {
    // The second address is for programs that listen twice.
    const args = [`dist/${program}.js`, "localhost:0", "localhost:0"];
    this.#process = spawn(process.execPath, args, { cwd: project, stdio: ["ignore", "pipe", "pipe"] });
    this.#process.stderr!.on("data", (text) => {
      this.#stderr += text;
    });
    createInterface(this.#process.stdout!).on("line", (line) => {
      this.#lines.push(line);
      this.#onLine();
    });
    this.#process.once("exit", () => this.#onLine());
  }

  /** The addresses that it says it listens on. */
  async addresses(): Promise<string[]> {
    const [line] = await this.#printed(1);
    return line!.match(/localhost:\d+/g) ?? [];
  }

  /** The next `count` lines after that one. */
  async report(count: number): Promise<string[]> {
    return (await this.#printed(1 + count)).slice(1);
  }

  /** Asks it to shut down; resolves with its exit code. */
  async stop(): Promise<number | null> {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    return (await exit)[0];
  }

  /** Ends it where a failed test has left it running. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async #printed(count: number): Promise<string[]> {
    while (this.#lines.length < count) {
      if (this.#ended) throw new Error(`the server has ended:\n${this.#lines.join("\n")}\n${this.#stderr}`);
      await new Promise<void>((resolveLine) => {
        this.#onLine = resolveLine;
      });
    }
    return this.#lines.slice(0, count);
  }
}

/** What a client program of a guide prints, called with the addresses of its server. */
export async function runClient(project: string, program: string, addresses: readonly string[]): Promise<string[]> {
  const args = [`dist/${program}.js`, ...addresses];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project, timeout: 30_000 });
  return stdout.trim().split("\n");
}
