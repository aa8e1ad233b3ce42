import { readFileSync } from "node:fs";
import { formatReport, insertReport, type Row } from "../../interop/matrix/report.js";
import type { Side } from "../../interop/matrix/side.js";
import { pairs } from "../../interop/matrix/sides.js";
import { applicable } from "../../interop/peers/peer.js";

const side = (name: string, isTrunkline: boolean): Side => ({
  name,
  isTrunkline,
  roles: ["client", "server"],
  limitations: { client: {}, server: {} },
  command: () => ["true"],
});

test("a cell says how many cases passed, and which notes say why not the others; failures are listed", () => {
  const [ours, peer] = [side("http2", true), side("cobol", false)];
  const limitations = { rpc_soak: "it has no clock (cobol/manual)", channel_soak: "it has no clock (cobol/manual)" };
  const all = { security: "TLS", passed: 22, failures: [], limitations: {} } as const;
  const rows: Row[] = [
    { ...all, client: peer, server: ours },
    { ...all, client: ours, server: peer, passed: 20, limitations },
    { ...all, client: peer, server: peer, security: "plaintext", passed: 21, failures: ["ping_pong: no pong"] },
  ];
  expect(`${formatReport(rows)}\n`).toBe(`\
### Peers call Trunkline

| client | over | server: http2 |
|---|---|---|
| cobol | TLS | 22 passed |

### Trunkline calls peers

| server | over | client: http2 |
|---|---|---|
| cobol | TLS | 20 passed; 1 |

### Peers call themselves

| peer | over | itself |
|---|---|---|
| cobol | plaintext | 21 passed, 1 FAILED |

Of 22 cases:

1. \`rpc_soak\`, \`channel_soak\`: it has no clock (cobol/manual)

FAILED:

- cobol → cobol, plaintext: ping_pong: no pong
`);
});

test("the report goes between the markers of a page, and again", () => {
  const page = readFileSync("docs/interop.md", "utf8");
  const once = insertReport(page, "| a |");
  expect(once).toContain("-->\n\n| a |\n\n<!-- /matrix -->");
  expect(insertReport(once, "| a |")).toBe(once);
  expect(() => insertReport("nothing here", "| a |")).toThrow("the page has no place for the report");
});

test("docs/interop.md has every pair, and all cases that can be passed", () => {
  const page = readFileSync("docs/interop.md", "utf8");
  const rows = pairs.map((pair): Row => {
    const { client, server, security } = pair;
    const { cases, limitations } = applicable(client.limitations.client, server.limitations.server, {
      useTls: security === "TLS",
    });
    return { ...pair, passed: cases.length, failures: [], limitations };
  });
  expect(page).toBe(insertReport(page, formatReport(rows)));
});
