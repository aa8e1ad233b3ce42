/** Every client against every server, in processes of their own. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { applicable } from "../peers/peer.js";
import { runClient, startServer } from "./programs.js";
import { formatReport, insertReport, type Row } from "./report.js";
import { type Pair, pairs, sides } from "./sides.js";

const page = new URL("../../docs/interop.md", import.meta.url);

export interface MatrixOptions {
  /** Puts the report into docs/interop.md. */
  readonly write: boolean;
  /** Leaves out peers that are not installed here, instead of failing. */
  readonly installed: boolean;
  /** Of `concurrent_large_unary`. */
  readonly concurrentCalls: number;
}

/** Prints the report; whether no case failed, all servers ended well, and all peers were there. */
export async function runMatrix({ write, installed, concurrentCalls }: MatrixOptions): Promise<boolean> {
  const complaints: string[] = [];
  const here = new Set(sides);
  for (const side of sides) {
    const missing = await side.prepare?.().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (missing === undefined) continue;
    here.delete(side);
    if (installed) process.stderr.write(`left out: ${missing}\n`);
    else complaints.push(missing);
  }
  const planned = pairs.filter(({ client, server }) => here.has(client) && here.has(server));
  const rows: Row[] = [];
  const waiting = planned.entries();
  const runner = async () => {
    for (const [i, pair] of waiting) {
      const { row, complaint } = await runPair(pair, concurrentCalls);
      rows[i] = row;
      if (complaint !== undefined) complaints.push(complaint);
    }
  };
  // As many at a time as there are processors.
  await Promise.all(Array.from({ length: availableParallelism() }, runner));

  const report = formatReport(rows);
  console.log(report);
  for (const complaint of complaints) console.log(complaint);
  if (write) writeFileSync(page, insertReport(readFileSync(page, "utf8"), report));
  return complaints.length === 0 && rows.every(({ failures }) => failures.length === 0);
}

async function runPair(pair: Pair, concurrentCalls: number): Promise<{ row: Row; complaint: string | undefined }> {
  const { client, server, security } = pair;
  const { cases, limitations } = applicable(client.limitations.client, server.limitations.server, {
    useTls: security === "TLS",
  });
  const begun = performance.now();
  const running = await startServer(server, security).catch((error: Error) => error);
  if (running instanceof Error) {
    return { row: { ...pair, passed: 0, failures: [running.message], limitations }, complaint: undefined };
  }
  const outcomes = await runClient(pair, cases, running.port, concurrentCalls);
  const complaint = await running.stop();
  const failures = [...outcomes].flatMap(([name, line]) => (line === undefined ? [] : [`${name}: ${line}`]));
  const took = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  const outcome = failures.length === 0 ? "passed" : `${failures.length} of ${cases.length} failed`;
  process.stderr.write(`${client.name} → ${server.name}, ${security}: ${outcome}, ${took}\n`);
  return { row: { ...pair, passed: cases.length - failures.length, failures, limitations }, complaint };
}
