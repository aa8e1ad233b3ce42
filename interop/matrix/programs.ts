/** The programs of a matrix, each a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { serverName } from "../certificates.js";
import { type CaseName, defaultConcurrentCalls } from "../description.js";
import type { Side } from "./side.js";
import type { Pair, Security } from "./sides.js";

/** Milliseconds that a server may take to listen, or to stop. */
const serverTimeoutMs = 20_000;
/** Milliseconds that a client may take with all cases. */
const clientTimeoutMs = 180_000;

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

/** Runs the cases; of each the line that says what did not hold, or undefined where everything did. */
export async function runClient(
  { client, security }: Pair,
  cases: readonly CaseName[],
  port: number,
  concurrentCalls: number = defaultConcurrentCalls,
): Promise<Map<CaseName, string | undefined>> {
  const named = security === "TLS" ? ["--use_test_ca=true", `--server_host_override=${serverName}`] : [];
  const target = ["--server_host=127.0.0.1", `--server_port=${port}`, useTls(security), ...named];
  const made = [`--test_case=${cases.join(",")}`, `--concurrent_calls=${concurrentCalls}`];
  const child = start(client.command("client", [...made, ...target]));
  const output = collect(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), clientTimeoutMs);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  const said = new Map(Array.from(output().matchAll(/^(\w+): (.*)$/gm), ([, name, line]) => [name!, line!]));
  const end = signal === null ? `the client ended with ${code}` : `no end after ${clientTimeoutMs / 1000} s`;
  const silent = `${end}: ${lastLine(output())}`;
  const outcomes = new Map(
    cases.map((name) => {
      const line = said.get(name) ?? silent;
      return [name, line === "passed" ? undefined : line] as const;
    }),
  );
  // A client that says that all passed, and then does not end as it should, has left something open.
  if (code !== 0 && [...outcomes.values()].every((line) => line === undefined)) outcomes.set(cases.at(-1)!, silent);
  return outcomes;
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
