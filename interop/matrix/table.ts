/** The matrix as text: a Markdown table, aligned so that it can be read as it is. */

/** How a case went between two sides. */
export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly line: string }
  /** A limitation of the peer, with a reference. */
  | { readonly kind: "n/a"; readonly reason: string };

export interface Row {
  readonly client: string;
  readonly server: string;
  readonly security: string;
  /** By case. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** A row for each pair: there are more of them than of cases. */
export function formatTable(cases: readonly string[], rows: readonly Row[]): string {
  const lines = [
    ["client → server", "over", ...cases.map((name) => `\`${name}\``)],
    ...rows.map(({ client, server, security, outcomes }) => [
      `${client} → ${server}`,
      security,
      ...cases.map((name) => cell(outcomes.get(name))),
    ]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const [head, ...body] = lines.map((line) => `| ${line.map((text, i) => text.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [head, rule, ...body].join("\n");
}

function cell(outcome: Outcome | undefined): string {
  switch (outcome?.kind) {
    case undefined:
      return "";
    case "passed":
      return "passed";
    case "failed":
      return `FAILED: ${escaped(outcome.line)}`;
    case "n/a":
      return `n/a: ${escaped(outcome.reason)}`;
  }
}

/** A pipe would end the cell. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}

const begin = "<!-- matrix: made by `npm run interop -- matrix --write` -->";
const end = "<!-- /matrix -->";

/** A page with the table between the markers. */
export function insertTable(page: string, table: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no place for the table: ${begin} … ${end}`);
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}
