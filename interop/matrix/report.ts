/** The matrix as Markdown: how many of the cases passed, for each client and server, and why not the others. */
import { caseNames } from "../description.js";
import type { Limitations } from "../peers/peer.js";
import type { Pair } from "./sides.js";

export interface Row extends Pair {
  readonly passed: number;
  /** Each with its case before it. */
  readonly failures: readonly string[];
  /** Of either side, by case. */
  readonly limitations: Limitations;
}

interface Section {
  readonly title: string;
  readonly has: (pair: Pair) => boolean;
  /** The heads of the first column and of the others, and what stands there. */
  readonly rows: readonly [head: string, name: (pair: Pair) => string];
  readonly columns: readonly [head: string, name: (pair: Pair) => string];
}

const client = ({ client }: Pair) => client.name;
const server = ({ server }: Pair) => server.name;

const sections: readonly Section[] = [
  {
    title: "Peers call Trunkline",
    has: ({ client, server }) => !client.isTrunkline && server.isTrunkline,
    rows: ["client", client],
    columns: ["server: ", server],
  },
  {
    title: "Trunkline calls peers",
    has: ({ client, server }) => client.isTrunkline && !server.isTrunkline,
    rows: ["server", server],
    columns: ["client: ", client],
  },
  {
    title: "Trunkline calls Trunkline",
    has: ({ client, server }) => client.isTrunkline && server.isTrunkline,
    rows: ["client", client],
    columns: ["server: ", server],
  },
  {
    title: "Peers call themselves",
    has: ({ client, server }) => !client.isTrunkline && !server.isTrunkline,
    rows: ["peer", client],
    columns: ["", () => "itself"],
  },
];

/** A table for each direction: a row is one end, over plaintext or TLS, a column the other. */
export function formatReport(rows: readonly Row[]): string {
  const notes = notesOf(rows);
  const text: string[] = [];
  for (const section of sections) {
    const own = rows.filter(section.has);
    if (own.length > 0) text.push(`### ${section.title}`, "", tableOf(section, own, notes), "");
  }
  text.push(`Of ${caseNames.length} cases:`, "");
  for (const [i, { reason, cases }] of notes.entries()) {
    text.push(`${i + 1}. ${cases.map((name) => `\`${name}\``).join(", ")}: ${reason}`);
  }
  const failures = rows.flatMap(({ client, server, security, failures }) =>
    failures.map((line) => `- ${client.name} → ${server.name}, ${security}: ${line}`),
  );
  if (failures.length > 0) text.push("", "FAILED:", "", ...failures);
  return text.join("\n");
}

interface Note {
  readonly reason: string;
  readonly cases: readonly string[];
}

/** The reasons why a case cannot be, each once, with its cases. */
function notesOf(rows: readonly Row[]): Note[] {
  const cases = new Map<string, Set<string>>();
  for (const { limitations } of rows) {
    for (const [name, reason] of Object.entries(limitations)) {
      cases.set(reason, (cases.get(reason) ?? new Set()).add(name));
    }
  }
  return [...cases].map(([reason, names]) => ({ reason, cases: [...names] }));
}

function tableOf(section: Section, rows: readonly Row[], notes: readonly Note[]): string {
  const [rowHead, rowName] = section.rows;
  const [columnHead, columnName] = section.columns;
  const columns = [...new Set(rows.map(columnName))];
  const cells = new Map<string, Map<string, string>>();
  for (const row of rows) {
    const name = `${rowName(row)} | ${row.security}`;
    if (!cells.has(name)) cells.set(name, new Map());
    cells.get(name)!.set(columnName(row), cellOf(row, notes));
  }
  return [
    `| ${rowHead} | over | ${columns.map((name) => columnHead + name).join(" | ")} |`,
    `|---|---|${"---|".repeat(columns.length)}`,
    ...Array.from(
      cells,
      ([name, own]) => `| ${name} | ${columns.map((column) => own.get(column) ?? "").join(" | ")} |`,
    ),
  ].join("\n");
}

/** `22 passed`, `18 passed; 1, 2`: the notes say of the rest why not. */
function cellOf({ passed, failures, limitations }: Row, notes: readonly Note[]): string {
  const reasons = new Set(Object.values(limitations));
  const numbers = notes.flatMap(({ reason }, i) => (reasons.has(reason) ? [i + 1] : []));
  const failed = failures.length === 0 ? "" : `, ${failures.length} FAILED`;
  return `${passed} passed${failed}${numbers.length === 0 ? "" : `; ${numbers.join(", ")}`}`;
}

const begin = "<!-- matrix: made by `npm run interop -- matrix --write` -->";
const end = "<!-- /matrix -->";

/** A page with the report between the markers. */
export function insertReport(page: string, report: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no place for the report: ${begin} … ${end}`);
  return `${page.slice(0, from)}${begin}\n\n${report}\n\n${page.slice(to)}`;
}
