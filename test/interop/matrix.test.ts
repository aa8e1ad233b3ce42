import { readFileSync } from "node:fs";
import { caseNames } from "../../interop/description.js";
import { pairs } from "../../interop/matrix/side.js";
import { formatTable, insertTable, type Outcome } from "../../interop/matrix/table.js";

test("a cell says that a case passed, what failed, or why it cannot be", () => {
  const outcomes = new Map<string, Outcome>([
    ["one", { kind: "passed" }],
    ["two", { kind: "failed", line: 'status: expected "OK", got "a|b"' }],
    ["three", { kind: "n/a", reason: "example#12" }],
  ]);
  const table = formatTable(["one", "two", "three"], [{ client: "a", server: "b", security: "TLS", outcomes }]);
  expect(`${table}\n`).toBe(`\
| client → server | over | \`one\`  | \`two\`                                     | \`three\`         |
| --------------- | ---- | ------ | ----------------------------------------- | --------------- |
| a → b           | TLS  | passed | FAILED: status: expected "OK", got "a\\|b" | n/a: example#12 |
`);
});

test("the table goes between the markers of a page, and again", () => {
  const page = readFileSync("docs/interop.md", "utf8");
  const once = insertTable(page, "| a |");
  expect(once).toContain("-->\n\n| a |\n\n<!-- /matrix -->");
  expect(insertTable(once, "| a |")).toBe(once);
  expect(() => insertTable("nothing here", "| a |")).toThrow("the page has no place for the table");
});

test("docs/interop.md has every case and every pair, and all passed", () => {
  const page = readFileSync("docs/interop.md", "utf8");
  const table = page.split("\n").filter((line) => line.startsWith("| "));
  for (const name of caseNames) expect(table[0]).toContain(`| \`${name}\` `);
  for (const { client, server, security } of pairs) {
    const row = table.find(
      (line) => line.startsWith(`| ${client.name} → ${server.name} `) && line.includes(`| ${security} `),
    );
    expect(row?.match(/\| passed /g)).toHaveLength(caseNames.length);
  }
  expect(page).not.toContain("FAILED");
});
