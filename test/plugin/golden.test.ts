import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { readAll, requestFor, root } from "./compile-protos.js";
import { generate } from "./responses.js";

const protos = readAll(join(root, "fixtures/proto"), ".proto");
const protosForProtobufEs = { ...protos, ...readAll(join(root, "fixtures/proto-es"), ".proto") };

test.each([
  ["ts-proto", protos],
  ["protobuf-es", protosForProtobufEs],
])(
  "what is committed of the fixtures' output with messages=%s is what the plugin makes of them",
  async (library, all) => {
    const { files, error } = await generate(requestFor(all, `messages=${library}`));
    expect(error).toBe("");
    const golden = `fixtures/golden/${library}`;
    const committed = readAll(join(root, golden), ".ts");
    const stale = [...new Set([...files.keys(), ...Object.keys(committed)])]
      .filter((name) => files.get(name) !== committed[name])
      .sort();
    if (stale.length > 0) {
      throw new Error(
        `${stale.length} files in ${golden} are not what the plugin makes now: ${stale.join(", ")}.\n` +
          "If that is meant: npm run build && npm run generate",
      );
    }
  },
);
