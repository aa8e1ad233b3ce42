/** docs/generated-code.md says what the plugin does: its pieces are the golden output, its tables what options make. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { optionTable } from "../../plugin/src/options.js";
import { run } from "../../plugin/src/run.js";
import { requestFor, root } from "./compile-protos.js";
import { decodeResponse } from "./responses.js";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const page = read("docs/generated-code.md");
const proto = read("fixtures/proto/notebook/v1/notebook.proto");
const golden = (library: string) => read(`fixtures/golden/${library}/notebook/v1/notebook_grpc.ts`);

/** The blocks of the page in this language, in their order. */
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(([, text]) => text!);

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

test("its proto is the fixture", () => expect(blocks("proto")).toEqual([proto]));

test("its pieces, put together, are the golden output of that fixture", () => {
  let rest = golden("ts-proto");
  for (const piece of blocks("typescript")) {
    rest = rest.replace(/^\n/, "");
    // Where this differs, the golden output is right, and the page has to follow it.
    expect(piece).toBe(rest.slice(0, piece.length));
    rest = rest.slice(piece.length);
  }
  expect(rest).toBe("");
});

test("its imports of both libraries are those of the golden outputs", () => {
  const isImport = (line: string) => line.startsWith("import ");
  const [tsProto, protobufEs] = ["ts-proto", "protobuf-es"].map((library) => linesOf(golden(library)).filter(isImport));
  const diff = linesOf(blocks("diff").join("\n"));
  const side = (mark: string) => diff.filter((line) => line.startsWith(mark)).map((line) => line.slice(1));
  expect(side("-")).toEqual(tsProto!.filter((line) => !protobufEs!.includes(line)));
  expect(side("+")).toEqual(protobufEs!.filter((line) => !tsProto!.includes(line)));
});

test("all else is the same for both libraries, as it says", () => {
  const named = golden("ts-proto")
    .replace(/DeepPartial<(\w+)>/g, "MessageInitShape<typeof $1Schema>")
    .replace(/tsProto<.*>\("[\w.]+", (\w+)\)/g, "protobufEs($1Schema)");
  const withoutImports = (text: string) => linesOf(text).filter((line) => !line.startsWith("import "));
  expect(withoutImports(named)).toEqual(withoutImports(golden("protobuf-es")));
});

describe("its table of options", () => {
  const rows = page
    .split("| Option | What is different | For one |\n")[1]!
    .split("\n\n")[0]!
    .split("\n")
    .slice(1)
    .map((row) => {
      const [, option, what, line] = row.split("|").map((cell) => cell.trim().replaceAll("`", ""));
      return { option: option!, what: what!, line: line! };
    });

  const serviceConfig = JSON.stringify({
    methodConfig: [{ name: [{ service: "notebook.v1.Notebook" }], timeout: "2s" }],
  });

  async function withOption(option: string): Promise<string> {
    const messages = option.startsWith("protobuf_es.") ? ",messages=protobuf-es" : "";
    const parts: Uint8Array[] = [];
    const request = requestFor({ "notebook/v1/notebook.proto": proto }, option + messages);
    for await (const part of run(request, async () => Buffer.from(serviceConfig))) parts.push(part);
    const { files, error } = decodeResponse(Buffer.concat(parts));
    expect(error).toBe("");
    return files.get("notebook/v1/notebook_grpc.ts")!;
  }

  test("has a row for every option", () => {
    for (const { name } of optionTable) {
      // MPROTO and ts_proto.NAME stand for many.
      const one = name === "MPROTO" ? /^M.*\.proto=/ : new RegExp(`^${name.replace("NAME", "\\w+")}=`);
      expect({ name, rows: rows.filter(({ option }) => one.test(option)).length }).toEqual({ name, rows: 1 });
    }
    expect(rows).toHaveLength(optionTable.length);
  });

  test.each(rows)("$option: $what", async ({ option, what, line }) => {
    const made = await withOption(option);
    const before = golden(option.startsWith("protobuf_es.") ? "protobuf-es" : "ts-proto");
    if (what.startsWith("Nothing here")) {
      expect({ made, line }).toEqual({ made: before, line: "" });
    } else {
      const trimmed = (text: string) => linesOf(text).map((one) => one.trim());
      const [has, lacks] = what.startsWith("Without") ? [before, made] : [made, before];
      expect(trimmed(has)).toContain(line);
      expect(trimmed(lacks)).not.toContain(line);
    }
  });
});
