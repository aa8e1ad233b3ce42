/**
 * The plugin, asked by compilers that have gone mad: files, or one line of error, or one line on stderr; never a crash,
 * a hang or half an answer.
 *
 * It runs in a process of its own, so that a case that does not end can be ended, and one that eats all memory too.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FuzzTarget } from "./target.js";

const program = fileURLToPath(new URL("./plugin-program.ts", import.meta.url));

/** Far longer than any case takes, on a machine that has other things to do. */
const longestMs = 60_000;
const mostMegabytes = 1024;

/** The process that runs cases; there is none before the first, and after one that it did not survive. */
let child: { readonly process: ChildProcess; complaints: string } | undefined;

export const plugin: FuzzTarget = {
  name: "plugin",
  async run(random) {
    const seed = random.int(2 ** 32);
    child ??= await start();
    const { process: running } = child;
    running.send(seed);
    const watchdog = setTimeout(() => running.kill("SIGKILL"), longestMs);
    const { error } = await next(running).finally(() => clearTimeout(watchdog));
    if (error !== undefined) throw new Error(error);
  },
  async stop() {
    if (child === undefined) return;
    const exited = once(child.process, "exit");
    child.process.disconnect();
    child = undefined;
    await exited;
  },
};

async function start(): Promise<NonNullable<typeof child>> {
  const running = fork(program, {
    execArgv: ["--import", "tsx", `--max-old-space-size=${mostMegabytes}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const started = { process: running, complaints: "" };
  running.stderr?.setEncoding("utf8").on("data", (text: string) => {
    started.complaints = (started.complaints + text).slice(-4000);
  });
  child = started;
  await next(running);
  return started;
}

/** What the process says next. */
function next(running: ChildProcess): Promise<{ readonly error?: string }> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown) => {
      running.off("exit", onExit);
      resolve(message as { readonly error?: string });
    };
    const onExit = (code: number | null, signal: string | null) => {
      running.off("message", onMessage);
      const complaints = child?.complaints;
      child = undefined;
      reject(new Error(`the process ended with ${signal ?? code}: ${complaints}`));
    };
    running.once("message", onMessage);
    running.once("exit", onExit);
  });
}
