import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { readAll, requestFor, root } from "./compile-protos.js";
import { generate } from "./responses.js";

const protos = readAll(join(root, "fixtures/proto"), ".proto");
const protosForProtobufEs = { ...protos, ...readAll(join(root, "fixtures/proto-es"), ".proto") };

/** As buf.gen.parts.yaml has it. */
const partsOf = {
  "kinds/v1/kinds.proto": protos["kinds/v1/kinds.proto"]!,
  "options/v1/options.proto": protosForProtobufEs["options/v1/options.proto"]!,
};

test.each([
  ["ts-proto", protos, "messages=ts-proto"],
  ["protobuf-es", protosForProtobufEs, "messages=protobuf-es"],
  ["clients", partsOf, "messages=protobuf-es,server=off,mock=on,options=embed,index=package"],
  ["servers", partsOf, "messages=protobuf-es,client=off,handlers=off,options=embed,index=package"],
])(
  "what is committed in fixtures/golden/%s is what the plugin makes of the fixtures",
  async (folder, all, parameter) => {
    const { files, error } = await generate(requestFor(all, parameter));
    expect(error).toBe("");
    const golden = `fixtures/golden/${folder}`;
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
