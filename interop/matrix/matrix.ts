/** Every client against every server, each case in a process of its own. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { caseNames } from "../description.js";
import { runClient, startServer } from "./programs.js";
import { type Pair, pairs } from "./side.js";
import { formatTable, insertTable, type Outcome, type Row } from "./table.js";

const page = new URL("../../docs/interop.md", import.meta.url);

/** Prints the table; whether no cell failed and all servers ended well. */
export async function runMatrix({ write }: { readonly write: boolean }): Promise<boolean> {
  const rows: Row[] = [];
  const complaints: string[] = [];
  for (const pair of pairs) {
    const { server, security } = pair;
    const names = { client: pair.client.name, server: server.name, security };
    process.stderr.write(`${names.client} → ${names.server}, ${security}\n`);
    const running = await startServer(server, security).catch((error: Error) => error);
    if (running instanceof Error) {
      const outcome: Outcome = { kind: "failed", line: running.message };
      rows.push({ ...names, outcomes: new Map(caseNames.map((name) => [name, outcome])) });
      continue;
    }
    rows.push({ ...names, outcomes: await runCases(pair, running.port) });
    const complaint = await running.stop();
    if (complaint !== undefined) complaints.push(complaint);
  }
  const table = formatTable(caseNames, rows);
  console.log(table);
  for (const complaint of complaints) console.log(complaint);
  if (write) writeFileSync(page, insertTable(readFileSync(page, "utf8"), table));
  const failed = rows.some(({ outcomes }) => [...outcomes.values()].some(({ kind }) => kind === "failed"));
  return !failed && complaints.length === 0;
}

/** As many at a time as there are processors. */
async function runCases(pair: Pair, port: number): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const waiting = caseNames.values();
  const runner = async () => {
    for (const name of waiting) {
      const reason = pair.client.notApplicable.client[name] ?? pair.server.notApplicable.server[name];
      if (reason !== undefined) {
        outcomes.set(name, { kind: "n/a", reason });
        continue;
      }
      const line = await runClient(pair, name, port);
      outcomes.set(name, line === undefined ? { kind: "passed" } : { kind: "failed", line });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runner));
  return outcomes;
}
