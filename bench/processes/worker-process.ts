import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { track } from "./live.js";
import type { Commands, Request, Response } from "./worker.js";

type Argument<Name extends keyof Commands> = Parameters<Commands[Name]>[0];
type Result<Name extends keyof Commands> = Awaited<ReturnType<Commands[Name]>>;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A worker as the bench sees it. When it ends before it was stopped, whatever was asked of it fails with the reason. */
export class WorkerProcess {
  readonly #what: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #stderr = "";
  #ended: Error | undefined;

  constructor(what: string, execArgv: readonly string[] = []) {
    this.#what = what;
    this.#child = track(
      fork(fileURLToPath(new URL("worker.js", import.meta.url)), {
        execArgv: [...execArgv],
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        // Typed arrays pass as what they are.
        serialization: "advanced",
      }),
    );
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    this.#child.on("message", (response: Response) => this.#hear(response));
    this.#child.once("error", (error) => this.#end(error.message));
    // "close" and not "exit": by then its last words have arrived.
    this.#child.once("close", (code, signal) => this.#end(`ended with ${signal ?? `exit code ${code}`}`));
  }

  ask<Name extends keyof Commands>(command: Name, argument: Argument<Name>): Promise<Result<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#child.send({ id, command, argument } satisfies Request, (error) => {
        if (error !== null) reject(this.#ended ?? error);
      });
    });
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  #hear(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if ("error" in response) waiting?.reject(new Error(response.error));
    else waiting?.resolve(response.result);
  }

  #end(how: string): void {
    const said = this.#stderr.split("\n").find((line) => /error/i.test(line)) ?? "";
    this.#ended ??= new Error(`the ${this.#what} ${how}${said === "" ? "" : `: ${said.trim()}`}`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
