import { createRequire } from "node:module";
import { expect, test } from "@jest/globals";
import { messageName, modulePath } from "../../plugin/src/messages/ts-proto/names.js";
import { tsProtoParameter } from "../../plugin/src/messages/ts-proto/options.js";
import { readRequest } from "../../plugin/src/read-model.js";
import { compileProtos, filesOf, requestFor } from "./compile-protos.js";

const require = createRequire(import.meta.url);
const { createTypeMap } = require("ts-proto/build/src/types") as {
  createTypeMap(request: unknown, options: unknown): Map<string, [module: string, name: string]>;
};
const { optionsFromParameter } = require("ts-proto/build/src/options") as {
  optionsFromParameter(parameter: string): unknown;
};
const { FileDescriptorProto } = require("ts-proto-descriptors") as {
  FileDescriptorProto: { decode(bytes: Uint8Array): unknown };
};

const names = [
  ...["Plain", "lower", "snake_case", "Snake_Case", "SCREAMING_CASE", "SCREAMING", "Mixed_CASE_Name", "A", "a_b_c"],
  ...["Trailing_", "Double__Underscore", "With1Digit_2", "_Leading", "__Dunder", "X_", "Date", "Function", "date"],
  ...["Promise", "Object", "DateMessage", "Ünicode"].filter((name) => /^\w+$/.test(name)),
];
const body = (depth: number): string =>
  names.map((name) => `message ${name} { ${depth > 0 ? body(depth - 1) : ""} }`).join("\n");
const protos = {
  "dir/some_file.proto": `syntax = "proto3"; package some.pkg_name;\n${body(1)}`,
  "top.proto": `syntax = "proto3";\n${body(0)}`,
};

test.each([
  [{}],
  [{ snakeToCamel: "false" }],
  [{ snakeToCamel: "json" }],
  [{ snakeToCamel: "keys_json" }],
  [{ useSnakeTypeName: "false" }],
  [{ typePrefix: "T", typeSuffix: "U", messagePrefix: "M", messageSuffix: "N", enumPrefix: "E", enumSuffix: "F" }],
  [{ messagePrefix: "Da", typeSuffix: "e" }],
])("names messages as ts-proto does with %j", (given) => {
  const options = new Map(Object.entries(given));
  const files = filesOf(compileProtos(protos));
  const protoFile = files.map((bytes) => FileDescriptorProto.decode(bytes));
  const expected = createTypeMap({ protoFile }, optionsFromParameter(tsProtoParameter(options, "")));
  const request = readRequest(requestFor(protos));
  const packages = new Map([...request.files.values()].map((file) => [file.name, file.package]));
  const actual = [...expected].map(([typeName, [module]]) => {
    const ref = { typeName: typeName.slice(1), file: `${module}.proto`, package: packages.get(`${module}.proto`)! };
    return [typeName, messageName(ref, options)];
  });
  expect(actual.length).toBeGreaterThan(200);
  expect(actual).toEqual([...expected].map(([typeName, [, name]]) => [typeName, name]));
});

test.each([
  ["a/b.proto", undefined, "a/b"],
  ["a.b/c.d.proto", undefined, "a.b/c.d"],
  ["a.proto", ".pb", "a.pb"],
])("finds the messages of %s with suffix %s in %s", (file, suffix, expected) => {
  expect(modulePath(file, new Map(suffix === undefined ? [] : [["fileSuffix", suffix]]))).toBe(expected);
});
