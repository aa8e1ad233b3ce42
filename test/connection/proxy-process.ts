/** A proxy that somebody else wrote, as a process of its own on loopback. All that it writes is in a folder that goes with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian has daemons where only root looks. */
export const daemonsEnv: NodeJS.ProcessEnv = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

export interface ProxyProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** What it reads, by name, in the folder that it runs in. */
  readonly files: Readonly<Record<string, string>>;
  /** What it prints when it has bound its ports. */
  readonly listening: RegExp;
}

export class ProxyProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #folder: string;
  readonly #listeners = new Set<() => void>();
  #said = "";

  private constructor(child: ChildProcess, name: string, folder: string) {
    this.#child = child;
    this.#name = name;
    this.#folder = folder;
    for (const output of [child.stdout!, child.stderr!]) {
      output.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
        for (const listener of this.#listeners) listener();
      });
    }
  }

  static async start({ command, args, files, listening }: ProxyProgram): Promise<ProxyProcess> {
    const folder = mkdtempSync(join(tmpdir(), `trunkline-${command}-`));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const child = spawn(command, args, { cwd: folder, env: daemonsEnv, stdio: ["ignore", "pipe", "pipe"] });
    const proxy = new ProxyProcess(child, command, folder);
    await proxy.says(listening).catch(async (error) => {
      await proxy.stop();
      throw error;
    });
    return proxy;
  }

  /** Resolves when it prints this, from now on; fails, with all that it said, when it ends before. */
  says(pattern: RegExp): Promise<void> {
    const from = this.#said.length;
    return new Promise((resolve, reject) => {
      const look = () => pattern.test(this.#said.slice(from)) && settle(resolve);
      const ended = () =>
        settle(() => reject(new Error(`${this.#name} ended before it said ${pattern}:\n${this.#said}`)));
      const settle = (then: () => void) => {
        this.#listeners.delete(look);
        this.#child.off("close", ended).off("error", reject);
        then();
      };
      this.#listeners.add(look);
      this.#child.once("close", ended).once("error", reject);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async stop(): Promise<void> {
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
      await once(this.#child, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Held all at once, so that they differ; free again when this returns. */
export async function freeAddresses(count: number): Promise<string[]> {
  const holders = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(holders.map((holder) => once(holder, "listening")));
  const addresses = holders.map((holder) => `127.0.0.1:${(holder.address() as AddressInfo).port}`);
  await Promise.all(holders.map((holder) => once(holder.close(), "close")));
  return addresses;
}
