/** The programs of a matrix, each a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Pair, Security, Side } from "./side.js";

/** Milliseconds that a server may take to listen, or to stop. */
const serverTimeoutMs = 20_000;
/** Milliseconds that a client may take with one case. */
const clientTimeoutMs = 30_000;

export interface ServerProcess {
  readonly port: number;
  /** Ends it as an operator would; what is wrong with how it ended, if anything. */
  stop(): Promise<string | undefined>;
}

export async function startServer(side: Side, security: Security): Promise<ServerProcess> {
  const child = start(side.command("server", ["--port=0", useTls(security)]));
  const output = collect(child);
  const port = await new Promise<number>((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`the server of ${side.name} ${why}: ${lastLine(output())}`));
    };
    const timer = setTimeout(() => fail("does not say its port"), serverTimeoutMs);
    child.once("close", (code) => fail(`ended with ${code}`));
    child.stdout!.on("data", () => {
      const port = /\bport (\d+)/.exec(output())?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
  return {
    port,
    stop: async () => {
      const ended = once(child, "close", { signal: AbortSignal.timeout(serverTimeoutMs) });
      if (child.exitCode !== null) return `the server of ${side.name} had ended: ${lastLine(output())}`;
      child.kill("SIGTERM");
      const [code] = await ended.catch(() => [child.kill("SIGKILL") && "not at all"]);
      return code === 0 ? undefined : `the server of ${side.name} ended on SIGTERM with ${code}: ${lastLine(output())}`;
    },
  };
}

/** Runs one case; the line that says what did not hold, or undefined where everything did. */
export async function runClient(
  { client, security }: Pair,
  testCase: string,
  port: number,
): Promise<string | undefined> {
  const flags = [`--test_case=${testCase}`, "--server_host=127.0.0.1", `--server_port=${port}`, useTls(security)];
  const child = start(client.command("client", flags));
  const output = collect(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), clientTimeoutMs);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  if (code === 0) return undefined;
  if (signal !== null) return `no end after ${clientTimeoutMs / 1000} s: ${lastLine(output())}`;
  return lastLine(output()).replace(`${testCase}: `, "") || `exit ${code}`;
}

function useTls(security: Security): string {
  return `--use_tls=${security === "TLS"}`;
}

function start([file, ...args]: readonly [string, ...string[]]): ChildProcess {
  return spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!;
}
