/**
 * Names that a library makes no TypeScript of, where several of them decide together. What single words do, in each place,
 * compat/test/name-limits.test.ts finds out by compiling them.
 */
import { describe, expect, test } from "@jest/globals";
import { compileProtos, encodeRequest, filesOf } from "./compile-protos.js";
import { generate } from "./responses.js";

describe("names are refused together", () => {
  const errorOf = async (text: string, parameter: string) => {
    const files = filesOf(compileProtos({ "a.proto": text }));
    return (await generate(encodeRequest({ generate: ["a.proto"], parameter, files }))).error;
  };

  test.each([
    [
      "message Foo_Bar {} message FooBar {}",
      "FooBar: would be called FooBar by ts-proto, and so would Foo_Bar: rename it",
    ],
    ["message M {} message createBaseM {}", /^createBaseM: would be called createBaseM by ts-proto, and so would M: /],
    [
      "enum Foo { Z = 0; } message fooToJSON {}",
      /^fooToJSON: would be called fooToJSON by ts-proto, and so would Foo: /,
    ],
    [
      "message M { string a_b = 1; oneof aB { string c = 2; } }",
      /^M.aB: would be called "aB" by ts-proto, and so would a_b: /,
    ],
    [
      "enum E { Z = 0; UNRECOGNIZED = 1; }",
      /^E.UNRECOGNIZED: is what .*: rename it, use ts_proto.unrecognizedEnumName=/,
    ],
    [
      "enum E { unknown = 0; }",
      /^E.unknown: would be a type .*: rename it, use ts_proto.enumsAsLiterals=false, or use/,
    ],
    ["message M { int32 __ = 1; }", /^M.__: would have no name by ts-proto: rename it/],
    ["message M { oneof _ { int32 a = 1; } }", /^M._: would have no name by ts-proto: rename it/],
    [
      "message M { string to_string = 1; }",
      /^M.to_string: would be called toString by ts-proto, which finds that in every/,
    ],
    [
      "message M { oneof constructor { int32 a = 1; } }",
      /^M.constructor: would be called constructor by ts-proto, which/,
    ],
    [
      "enum E { __proto__ = 0; }",
      /^E.__proto__: would set the prototype of the object that ts-proto makes of the enum/,
    ],
    [
      'import "google/protobuf/field_mask.proto"; message M { oneof o { google.protobuf.FieldMask mask = 1; } }',
      /^M.mask: is a FieldMask in a oneof, for which ts-proto's code does not compile/,
    ],
  ])("by ts-proto: %s", async (text, expected) => {
    const error = (await errorOf(`syntax = "proto3"; ${text}`, "")).replace(/^a\.proto: /, "");
    if (typeof expected === "string") expect(error).toContain(expected);
    else expect(error).toMatch(expected);
    expect(error).toMatch(/or use messages=protobuf-es$/);
  });

  test.each([
    ["message Foo_Bar {} message FooBar {} enum E { unknown = 0; UNRECOGNIZED = 1; }", "messages=protobuf-es"],
    ["enum E { unknown = 0; }", "ts_proto.enumsAsLiterals=false"],
    ["enum E { Z = 0; UNRECOGNIZED = 1; }", "ts_proto.unrecognizedEnumName=OTHER"],
    ["enum E { Z = 0; UNRECOGNIZED = 1; }", "ts_proto.unrecognizedEnum=false"],
    ["message Foo_Bar {} message FooBar {}", "ts_proto.snakeToCamel=false"],
    ["message M { string a_b = 1; oneof aB { string c = 2; } }", "ts_proto.snakeToCamel=json"],
    // Nobody refers to it where ts-proto has a variable of that name.
    ["message value { string s = 1; } message M { value v = 1; }", ""],
    ["message key { string s = 1; }", ""],
    ["message e { string s = 1; } message M { e one = 1; }", ""],
    ["message Object { map<int32, string> _1 = 1; int32 class = 2; int32 default = 3; int32 name = 4; }", ""],
    ["message is {} enum Number { A = 0; await_ = 1; }", ""],
    // It is for who generates the messages to say.
    ["message delete {}", "emit=services"],
  ])("and not where they do no harm: %s with %j", async (text, parameter) => {
    expect(await errorOf(`syntax = "proto3"; ${text}`, parameter)).toBe("");
  });

  test.each([
    [
      "oneof aB { string c = 2; } string a_b = 1;",
      "M.a_b: would be called aB by protoc-gen-es, and so would aB: rename it",
    ],
    ["string _ = 1;", "M._: would have no name by protoc-gen-es: rename it"],
  ])("by protobuf-es: %s", async (fields, expected) => {
    const error = await errorOf(`syntax = "proto3"; message M { ${fields} }`, "messages=protobuf-es");
    expect(error).toBe(`a.proto: ${expected}`);
  });

  test("what nobody could import, by ts-proto, is refused whoever generates it", async () => {
    const text = 'syntax = "proto3"; service S { rpc R(_) returns (M); } message _ {} message M {}';
    expect(await errorOf(text, "emit=services")).toBe(
      'a.proto: _: would be called "" by ts-proto, which is no name: rename it, or use messages=protobuf-es',
    );
    expect(await errorOf(text, "emit=services,messages=protobuf-es")).toBe("");
  });

  test("a quote in a path, by ts-proto, which prints it as it is", async () => {
    const of = async (parameter: string) => {
      const files = filesOf(compileProtos({ "a'b.proto": 'syntax = "proto3"; message M {}' }));
      return (await generate(encodeRequest({ generate: ["a'b.proto"], parameter, files }))).error;
    };
    expect(await of("")).toMatch(/^a'b\.proto: has a quote in its path, which ts-proto does not escape: rename it, /);
    expect(await of("messages=protobuf-es")).toBe("");
  });

  test("a prefix of ts-proto's that begins with a digit is no value", async () => {
    expect(await errorOf('syntax = "proto3"; message M {}', "ts_proto.typePrefix=1")).toMatch(
      /^option ts_proto.typePrefix has no value "1": it must match/,
    );
    expect(await errorOf('syntax = "proto3"; message M {}', "ts_proto.typeSuffix=1,ts_proto.messagePrefix=A1")).toBe(
      "",
    );
  });
});
