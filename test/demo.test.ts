/** What `npm run demo` runs once it has built. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { missingChromium, startChromium } from "../scripts/chromium.js";
import { node } from "./node.js";
import { row, untilRow } from "./status-page-rows.js";

test.each([
  ["", []],
  [" on http2", ["--transport", "http2"]],
])(
  "the demo%s does all that it promises, and stops by itself",
  (_on, flags) => {
    const demo = [
      "node_modules/tsx/dist/cli.mjs",
      "--tsconfig",
      "examples/demo/tsconfig.json",
      "examples/demo/main.ts",
      ...flags,
    ];
    const said = node(demo, { timeout: 60_000 });
    for (const line of [
      /buf generate/,
      /type-check/,
      /an exchange listens on 127\.0\.0\.1:\d+/,
      /unary +Grace says: good day, Ada/,
      /server stream +a distant voice, number 9007199254740994/,
      /client stream +ARRIVED SAFELY WEATHER SPLENDID: that will be 10 pence/,
      /bidi stream +"Hello", you say\?/,
      /stopwatch +Ring ended with OK after/,
      /NOT_FOUND: there is no such subscriber/,
      /DEADLINE_EXCEEDED/,
      /all of this came in over 1 connection/,
    ]) {
      expect(said).toMatch(line);
    }
  },
  60_000,
);

// In a run of many files jest does not show the titles of what it skips.
if (missingChromium !== undefined) console.warn(`demo.test.ts: the status page is skipped: ${missingChromium}`);
const describeInChromium = missingChromium === undefined ? describe : describe.skip;

describeInChromium("npm run demo -- --status", () => {
  let demo: ChildProcess;
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    demo.kill("SIGKILL");
    for (const stop of stops.splice(0)) await stop();
  });

  test("prints where its page is, which is live, until it is told to end", async () => {
    demo = spawn(process.execPath, ["--import", "tsx", "examples/demo/main.ts", "--status"], {
      env: { ...process.env, TSX_TSCONFIG_PATH: "examples/demo/tsconfig.json" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(demo, "exit");
    const lines = createInterface(demo.stdout!)[Symbol.asyncIterator]();
    let url: string | undefined;
    while (url === undefined) {
      const { value, done } = await lines.next();
      if (done) throw new Error("the demo ended without an address");
      url = /its status page: (http:\/\/127\.0\.0\.1:\d+\/)/.exec(value)?.[1];
    }
    const browser = await startChromium();
    stops.push(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("rowheader", { name: "Ring" }).waitFor();
    const { Started: first = "" } = await row(page, "Ring");
    await untilRow(page, "Ring", "Started", new RegExp(`^(?!${first}$)`));
    await page.locator(".connection").getByText("Failing").waitFor();
    demo.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
  }, 60_000);
});
