/** What `npm run demo` runs once it has built. */
import { node } from "./node.js";

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
