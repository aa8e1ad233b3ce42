import type { Doc } from "../../plugin/src/model.js";
import {
  docComment,
  importType,
  importValue,
  type Printable,
  Printer,
  stringLiteral,
} from "../../plugin/src/printer.js";

function print(values: readonly Printable[], options: { taken?: string[]; runtimeImport?: string } = {}) {
  const p = new Printer({ taken: [], runtimeImport: "@trunkline/runtime", ...options });
  for (const value of values) p.line`${value}`;
  return p.finish();
}

describe("imports", () => {
  test("exist only for what is printed", () => {
    expect(print(["const x = 1;"])).toEqual({ imports: "", body: "const x = 1;\n" });
  });

  test("are sorted by module and by name, types apart from values", () => {
    const { imports } = print([
      importValue("b", "./b.js"),
      importValue("a", "./b.js"),
      importType("C", "./b.js"),
      importType("Z", "./a.js"),
    ]);
    expect(imports).toBe(
      'import type { Z } from "./a.js";\nimport type { C } from "./b.js";\nimport { a, b } from "./b.js";\n',
    );
  });

  test("of a name that is printed as a type and as a value are one, of the value", () => {
    const { imports, body } = print([importType("Hello", "./a.js"), importValue("Hello", "./a.js")]);
    expect(imports).toBe('import { Hello } from "./a.js";\n');
    expect(body).toBe("Hello\nHello\n");
  });

  test("are found in lists of any depth", () => {
    const { imports, body } = print([["Partial<", [importType("Hello", "./a.js"), [">"]]]]);
    expect(imports).toBe('import type { Hello } from "./a.js";\n');
    expect(body).toBe("Partial<Hello>\n");
  });

  test("of the runtime come from where the option says, subpaths too", () => {
    const symbols = [
      importType("Channel", "@trunkline/runtime"),
      importValue("tsProto", "@trunkline/runtime/ts-proto"),
    ];
    const { imports } = print([...symbols, importValue("x", "@trunkline/runtime-not")], { runtimeImport: "#rpc" });
    expect(imports).toBe(
      'import type { Channel } from "#rpc";\nimport { tsProto } from "#rpc/ts-proto";\nimport { x } from "@trunkline/runtime-not";\n',
    );
  });
});

describe("aliases", () => {
  const a = importType("Hello", "./a.js");
  const b = importType("Hello", "./b.js");
  const c = importType("Hello", "./c.js");

  test.each([
    ["none where nothing clashes", [a], [], "Hello\n"],
    ["a taken name", [a], ["Hello"], "Hello$1\n"],
    ["an alias that is taken too", [a], ["Hello", "Hello$1"], "Hello$2\n"],
    ["a name from three modules, in the order of printing", [b, a, c, b], [], "Hello\nHello$1\nHello$2\nHello\n"],
    ["a word of the language", [importValue("default", "./a.js")], ["default"], "default$1\n"],
  ])("%s", (_, values, taken, body) => {
    expect(print(values, { taken }).body).toBe(body);
  });

  test("show in the import", () => {
    expect(print([a, b], { taken: ["Hello"] }).imports).toBe(
      'import type { Hello as Hello$1 } from "./a.js";\nimport type { Hello as Hello$2 } from "./b.js";\n',
    );
  });
});

describe("doc comments", () => {
  const none = { detached: [], leading: "", trailing: "" };
  const comment = (doc: Partial<Doc>, deprecated = false) =>
    docComment({ ...none, ...doc }, { deprecated, indent: "  " });

  test.each([
    ["nothing to say", {}, ""],
    ["only white space", { leading: " \n\n" }, ""],
    ["one line", { leading: " Says hello.\n" }, "  /** Says hello. */\n"],
    ["two lines", { leading: " Says\n hello.\n" }, "  /**\n   * Says\n   * hello.\n   */\n"],
    ["an empty line inside", { leading: " Says\n\n hello.\n" }, "  /**\n   * Says\n   *\n   * hello.\n   */\n"],
    [
      "detached, leading and trailing comments",
      { detached: [" One.\n", " Two.\n"], leading: " Three.\n", trailing: " Four.\n" },
      "  /**\n   * One.\n   *\n   * Two.\n   *\n   * Three.\n   *\n   * Four.\n   */\n",
    ],
    ["deeper indentation, which stays", { leading: " List:\n   - a\n" }, "  /**\n   * List:\n   *   - a\n   */\n"],
    ["lines without the usual space", { leading: "Says\nhello.\n" }, "  /**\n   * Says\n   * hello.\n   */\n"],
    ["Javadoc style", { leading: "*\n Says hello.\n" }, "  /** Says hello. */\n"],
    ["Doxygen style", { leading: "/ Says\n/\n/ hello.\n" }, "  /**\n   * Says\n   *\n   * hello.\n   */\n"],
    ["Qt style", { leading: "! Says hello. " }, "  /** Says hello. */\n"],
    ["Qt style, on lines", { leading: "! Says\n! hello.\n" }, "  /**\n   * Says\n   * hello.\n   */\n"],
    ["Windows line ends", { leading: " Says\r\n hello.\r\n" }, "  /**\n   * Says\n   * hello.\n   */\n"],
    ["the end of a comment", { leading: " a */ b **/\n" }, "  /** a *\\/ b **\\/ */\n"],
    [
      "lines that end as no editor ends them",
      { leading: " a\u2028b\u2029c\n" },
      "  /**\n   * a\n   * b\n   * c\n   */\n",
    ],
    ["an at-sign after what only tsc takes for a space", { leading: "\u200b@x" }, "  /** \u200b\\@x */\n"],
    ["at-signs of words, in words and by themselves", { leading: " é@é @@ @" }, "  /** é@é \\@@ \\@ */\n"],
    [
      "what would be a tag",
      { leading: " @ts-ignore {@link X} (@y) a@b.c\n" },
      "  /** \\@ts-ignore {\\@link X} (@y) a@b.c */\n",
    ],
    ["characters that do no harm", { leading: " `{x}` \\ <b> $& $1\n" }, "  /** `{x}` \\ <b> $& $1 */\n"],
  ])("%s", (_, doc, expected) => {
    expect(comment(doc)).toBe(expected);
  });

  test("deprecated, with and without words of its own", () => {
    expect(comment({}, true)).toBe("  /** @deprecated */\n");
    expect(comment({ leading: " Old.\n" }, true)).toBe("  /**\n   * Old.\n   *\n   * @deprecated\n   */\n");
  });

  test("nothing is printed for nothing, not even an empty line", () => {
    const p = new Printer({ taken: [], runtimeImport: "" });
    p.doc({ doc: none, deprecated: false }, "");
    p.line`x`;
    expect(p.finish().body).toBe("x\n");
  });
});

test("string literals hold anything", () => {
  expect(stringLiteral('a"b\\c\n')).toBe('"a\\"b\\\\c\\n"');
});
