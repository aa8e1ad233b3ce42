import { expect, test } from "@jest/globals";
import { indent } from "../../plugin/src/messages/ts-proto/indent.js";

test.each([
  ["brackets", "a({\nb: [\n1,\n],\n});", "a({\n  b: [\n    1,\n  ],\n});"],
  ["several that open on one line", "f(([a, {\nb\n}]) => {\nc\n});", "f(([a, {\n  b\n}]) => {\n  c\n});"],
  ["else and the like", "if (a) {\nb\n} else {\nc\n}", "if (a) {\n  b\n} else {\n  c\n}"],
  ["what was indented", "    {\n a\n        }", "{\n  a\n}"],
  ["lines that go on", "a = b\n? c\n: d;\n.e", "a = b\n  ? c\n  : d;\n  .e"],
  ["spread, which is no such line", "f(\n...a\n)", "f(\n  ...a\n)"],
  ["blank lines", "\n\na {\n\n\nb\n\n\nc\n\n}\n\n\n", "a {\n  b\n\n  c\n}"],
  ["empty blocks", "a {\n}\nb", "a {\n}\nb"],
  ["space at the end of lines", "a  \n\t\nb\t", "a\n\nb"],
  ["brackets in strings", '{\na = "}" + \'{(\' + "\\"}";\nb\n}', '{\n  a = "}" + \'{(\' + "\\"}";\n  b\n}'],
  ["brackets in comments", "{\n// {\na /* ( */\nb\n}", "{\n  // {\n  a /* ( */\n  b\n}"],
  ["doc comments", "{\n/**\n * a {\n *     b\n *\n */\nc\n}", "{\n  /**\n   * a {\n   *     b\n   *\n   */\n  c\n}"],
  [
    "brackets in regular expressions",
    "{\na = /[/{]\\/{2}\\(/.test(b);\nc\n}",
    "{\n  a = /[/{]\\/{2}\\(/.test(b);\n  c\n}",
  ],
  ["division, which is none", "{\na = b / c; d = (e) / f; // {\ng\n}", "{\n  a = b / c; d = (e) / f; // {\n  g\n}"],
  [
    "template literals",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template literal.
    "{\na = `x {\n  ${b({\nc: `}`\n})}  \n y`;\nd\n}",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as above.
    "{\n  a = `x {\n  ${b({\n      c: `}`\n    })}  \n y`;\n  d\n}",
  ],
])("indents %s", (_, source, expected) => {
  expect(indent(source)).toBe(`${expected}\n`);
});
