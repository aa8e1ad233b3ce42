/** What a comment of a proto may do to a generated file: nothing. Asked of TypeScript's own parser. */
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ts } from "ts-morph";
import { docComment } from "../../plugin/src/printer.js";
import { compileProtos, encodeRequest, filesOf, readAll, root } from "./compile-protos.js";
import { generate } from "./responses.js";

interface Documented extends ts.Node {
  readonly jsDoc?: readonly ts.JSDoc[];
}

/** What the parser finds: statements, faults, and in comments tags and links. */
function parse(text: string) {
  const file = ts.createSourceFile("a.ts", text, ts.ScriptTarget.ES2022, true);
  const tags: string[] = [];
  const links: string[] = [];
  const visit = (node: Documented): void => {
    for (const comment of node.jsDoc ?? []) {
      const texts = [comment.comment, ...(comment.tags ?? []).map((tag) => tag.comment)];
      for (const part of texts.flatMap((one) => (typeof one === "string" ? [] : (one ?? [])))) {
        if (part.kind !== ts.SyntaxKind.JSDocText) links.push(part.getText());
      }
      tags.push(...(comment.tags ?? []).map(({ tagName }) => tagName.text));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  const { parseDiagnostics } = file as unknown as { readonly parseDiagnostics: readonly ts.Diagnostic[] };
  const faults = parseDiagnostics.map(({ messageText }) => messageText);
  return { statements: file.statements, faults, tags, links };
}

// Pieces that mean something to TSDoc, TypeScript, Markdown or HTML, and white space of all kinds.
const pieces = [
  ..."* / @ { } ` ``` ~~~ \\ < > ~ | # ! ( [ - $ a 1 _ é */ /* /** // @deprecated {@link @link @param @jsx".split(" "),
  ..." \n \r \t \v \f \0 \u0085 \u00a0 \u1680 \u180e \u2003 \u200b \u2028 \u2029 \u202e \u2060 \u3000 \ufeff".split(
    " ",
  ),
  ...["\ud800", "\ufffd", " ", "\r\n", "@ts-nocheck", "<script>", "\ud83d\ude00"],
];

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const noText = /[\0-\x08\v-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd]/;

describe("a doc comment", () => {
  test("is one comment of any text, which neither ends early nor has a tag, and the deprecation after it is one", () => {
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 9 }).map((some) => some.join(""));
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 2 }),
        text,
        text,
        fc.boolean(),
        (detached, leading, trailing, deprecated) => {
          const comment = docComment({ detached, leading, trailing }, { deprecated, indent: "" });
          const { statements, faults, tags, links } = parse(`${comment}export const a = 1;\n`);
          expect({ statements: statements.length, faults, tags, links }).toEqual({
            statements: 1,
            faults: [],
            tags: deprecated ? ["deprecated"] : [],
            links: [],
          });
          expect(statements[0]!.getText()).toBe("export const a = 1;");
          expect(ts.getLeadingCommentRanges(comment, 0) ?? []).toHaveLength(comment === "" ? 0 : 1);
          expect(comment).not.toMatch(/[\r\u2028\u2029]/);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ["```ts\ncode", "/**\n * ```ts\n * code\n * ```\n *\n * @deprecated\n */\n"],
    ["~~~~\n```\n~~~", "/**\n * ~~~~\n * ```\n * ~~~\n * ~~~~\n *\n * @deprecated\n */\n"],
    ["```\ncode\n````", "/**\n * ```\n * code\n * ````\n *\n * @deprecated\n */\n"],
  ])("%j: a fence is closed before what follows", (leading, expected) => {
    expect(docComment({ detached: [], leading, trailing: "" }, { deprecated: true, indent: "" })).toBe(expected);
  });
});

describe.each(["ts-proto", "protobuf-es"])("the golden files of comments.proto with messages=%s", (library) => {
  const golden = readAll(join(root, "fixtures/golden", library, "comments"), ".ts");

  test("have the tags that are the options of the proto, and no more", () => {
    const { faults, tags, links, statements } = parse(golden["v1/comments_grpc.ts"]!);
    // One method, in the interfaces of the client and of the server.
    expect({ faults, tags, links }).toEqual({ faults: [], tags: ["deprecated", "deprecated"], links: [] });
    const kinds = new Set(statements.map(({ kind }) => ts.SyntaxKind[kind]));
    expect([...kinds].sort()).toEqual([
      "ClassDeclaration",
      "ExpressionStatement",
      // What TypeScript calls a VariableStatement too.
      "FirstStatement",
      "FunctionDeclaration",
      "ImportDeclaration",
      "InterfaceDeclaration",
    ]);
  });

  test("are text: no character switches the direction of writing, ends a line for some, or is none", () => {
    for (const text of Object.values(golden)) expect(text).not.toMatch(noText);
  });
});

describe.each(["ts-proto", "protobuf-es"])("with messages=%s", (library) => {
  /** Comments reach us as the bytes that they are. */
  async function outputOf(text: string, bytes: Uint8Array): Promise<string> {
    const [file] = filesOf(compileProtos({ "a.proto": text }));
    const at = Buffer.from(file!);
    for (let i = at.indexOf("XXXX"); i >= 0; i = at.indexOf("XXXX")) at.set(bytes, i);
    const { files, error } = await generate(
      encodeRequest({ generate: ["a.proto"], parameter: `messages=${library}`, files: [at] }),
    );
    expect(error).toBe("");
    return [...files.values()].join("");
  }
  const everywhere = `// XXXX of the file
    syntax = "proto3"; // XXXX beside it
    // XXXX of the message
    message M { /* XXXX of the field */ string s = 1; }
    // XXXX detached

    // XXXX of the service
    service S { rpc R(M) returns (M); /* XXXX of the rpc */ }`;

  test.each([
    ["Latin-1, which TypeScript 5.4 takes for a binary file", [0xe9, 0x41, 0xfc, 0x42], "?A?B"],
    ["a surrogate", [0xed, 0xa0, 0x80, 0x41], "???A"],
    ["control characters", [0x1b, 0x41, 0x07, 0x42], "AB"],
    ["a character that has the rest of the line read backwards", [0xe2, 0x80, 0xae, 0x41], "A"],
  ])("%s", async (_, bytes, expected) => {
    const output = await outputOf(everywhere, Uint8Array.from(bytes));
    expect(output).toContain(`${expected} of the service`);
    expect(output).toContain(`${expected} of the message`);
    expect(output).not.toMatch(noText);
  });

  test("lines that end as on Windows end as elsewhere", async () => {
    const proto = `// One\n// two\nsyntax = "proto3";\n\n/* Three\n * four */\nservice S {\n // five\n rpc R(M) returns (M);\n}\nmessage M {}\n`;
    const both = await Promise.all(
      [proto, proto.replaceAll("\n", "\r\n")].map((one) => outputOf(one, new Uint8Array())),
    );
    expect(both[1]).toBe(both[0]);
    expect(both[0]).toContain(" * Three\n * four\n");
  });
});
