import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { readAll, requestFor, root } from "./compile-protos.js";
import { generate } from "./responses.js";

test("what is committed of the fixtures' output is what the plugin makes of them", async () => {
  const { files, error } = await generate(requestFor(readAll(join(root, "fixtures/proto"), ".proto")));
  expect(error).toBe("");
  const committed = readAll(join(root, "fixtures/golden/ts-proto"), ".ts");
  const stale = [...new Set([...files.keys(), ...Object.keys(committed)])]
    .filter((name) => files.get(name) !== committed[name])
    .sort();
  if (stale.length > 0) {
    throw new Error(
      `${stale.length} files in fixtures/golden/ts-proto are not what the plugin makes now: ${stale.join(", ")}.\n` +
        "If that is meant: npm run build && npm run generate",
    );
  }
});
