/** Every client against every server, each case in a process of its own. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { caseNames } from "../description.js";
import { runClient, startServer } from "./programs.js";
import { pairs, type Side } from "./side.js";
import { type Column, formatTable, insertTable, type Outcome } from "./table.js";

const page = new URL("../../docs/interop.md", import.meta.url);

/** Prints the table; whether no cell failed and all servers ended well. */
export async function runMatrix({ write }: { readonly write: boolean }): Promise<boolean> {
  const columns: Column[] = [];
  const complaints: string[] = [];
  for (const { client, server } of pairs) {
    process.stderr.write(`${client.name} → ${server.name}\n`);
    const running = await startServer(server).catch((error: Error) => error);
    if (running instanceof Error) {
      const outcome: Outcome = { kind: "failed", line: running.message };
      columns.push({
        client: client.name,
        server: server.name,
        outcomes: new Map(caseNames.map((name) => [name, outcome])),
      });
      continue;
    }
    const outcomes = await runCases(client, server, running.port);
    columns.push({ client: client.name, server: server.name, outcomes });
    const complaint = await running.stop();
    if (complaint !== undefined) complaints.push(complaint);
  }
  const table = formatTable(caseNames, columns);
  console.log(table);
  for (const complaint of complaints) console.log(complaint);
  if (write) writeFileSync(page, insertTable(readFileSync(page, "utf8"), table));
  const failed = columns.some(({ outcomes }) => [...outcomes.values()].some(({ kind }) => kind === "failed"));
  return !failed && complaints.length === 0;
}

/** As many at a time as there are processors. */
async function runCases(client: Side, server: Side, port: number): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const waiting = caseNames.values();
  const runner = async () => {
    for (const name of waiting) {
      const reason = client.notApplicable.client[name] ?? server.notApplicable.server[name];
      if (reason !== undefined) {
        outcomes.set(name, { kind: "n/a", reason });
        continue;
      }
      const line = await runClient(client, name, port);
      outcomes.set(name, line === undefined ? { kind: "passed" } : { kind: "failed", line });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runner));
  return outcomes;
}
