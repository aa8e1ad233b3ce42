/** docs/http2.md walks through the house: it names every file, and none that is not there. */
import { readdirSync, readFileSync } from "node:fs";

test("docs/http2.md has the files of the folder", () => {
  const [, house] = /\n## The house\n([\s\S]*?)\n## /.exec(readFileSync("docs/http2.md", "utf8"))!;
  const rows = house!.split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) => [...row.split(" | ")[0]!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!));
  const entries = readdirSync("runtime/src/transport/http2", { withFileTypes: true });
  expect(named.sort()).toEqual(entries.map((entry) => `${entry.name}${entry.isDirectory() ? "/" : ""}`).sort());
});
