/** Programs that tests start, listen to and stop. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { build } from "esbuild";

/** Bundles a program with the sources of the runtime, which starts in a fraction of the time that compiling on the go takes. */
export async function bundle(entry: string, outfile: string): Promise<string> {
  // grpc-js finds its own protos by where its files are.
  await build({
    ...{ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", target: "node20.19" },
    ...{ tsconfig: "tsconfig.json", external: ["@grpc/*", "@bufbuild/*"], logLevel: "error" },
  });
  return outfile;
}

const running = new Set<Program>();

export class Program {
  readonly #child: ChildProcess;
  readonly #said: string[] = [];
  #errors = "";
  #onText: (() => void) | undefined;
  /** What it ended by: `"SIGTERM"`, or `"exit 1"`. */
  readonly ended: Promise<string>;
  #hasEnded = false;

  /** @param stdio from file descriptor 3 on */
  constructor(file: string, args: readonly string[], stdio: readonly number[] = [], env: NodeJS.ProcessEnv = {}) {
    const all: StdioOptions = ["ignore", "pipe", "pipe", ...stdio];
    this.#child = spawn(file, args, { stdio: all, env: { ...process.env, ...env } });
    running.add(this);
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      running.delete(this);
      this.#hasEnded = true;
      this.#onText?.();
      return signal ?? `exit ${code}`;
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
      this.#onText?.();
    });
    createInterface(this.#child.stdout!).on("line", (line) => {
      this.#said.push(line);
      this.#onText?.();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** What it has said on stderr. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves with the first line of stdout that matches, said already or still to be said; each is given out once. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(pattern, () => {
      const at = this.#said.findIndex((line) => pattern.test(line));
      return at < 0 ? null : pattern.exec(this.#said.splice(at, 1)[0]!);
    });
  }

  /** Resolves when there is such a text on stderr. */
  complains(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(pattern, () => pattern.exec(this.#errors));
  }

  async #until(pattern: RegExp, find: () => RegExpExecArray | null): Promise<RegExpExecArray> {
    for (;;) {
      const found = find();
      if (found !== null) return found;
      if (this.#hasEnded) throw new Error(`it ended without saying ${pattern}:\n${this.#errors}`);
      await new Promise<void>((resolve) => {
        this.#onText = resolve;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** For `afterEach`: nothing that a test has started outlives it. */
  static async killAll(): Promise<void> {
    for (const program of running) {
      program.signal("SIGKILL");
      await program.ended;
    }
  }
}
