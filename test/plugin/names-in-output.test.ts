/**
 * Protos that compile, and that ts-proto or protoc-gen-es makes no TypeScript of: what compiling random protos
 * (test/plugin/random-output.ts) found. Each is refused by name, and not where it does no harm.
 */
import { describe, expect, test } from "@jest/globals";
import { requestFor } from "./compile-protos.js";
import { generate } from "./responses.js";

const proto3 = 'syntax = "proto3"; package p;';
const rename = ": rename it";
const otherLibrary = ": use messages=protobuf-es for it";
const otherEnums = ": use messages=protobuf-es or ts_proto.enumsAsLiterals=false";

async function errorOf(text: string, parameter: string, name = "m.proto"): Promise<string> {
  return (await generate(requestFor({ [name]: text }, parameter))).error;
}

describe("ts-proto", () => {
  test.each([
    [
      "a reserved word as a type",
      `${proto3} message delete {}`,
      "p.delete: would be called delete by ts-proto, which means something else there",
    ],
    [
      "a type of TypeScript as one",
      `${proto3} enum any { A = 0; }`,
      "p.any: would be called any by ts-proto, which means something else there",
    ],
    [
      "a function of its own",
      `${proto3} message isSet {}`,
      "p.isSet: would be called isSet by ts-proto, which means something else there",
    ],
    [
      "a global that it uses by its name",
      `${proto3} message BigInt {}`,
      "p.BigInt: would be called BigInt by ts-proto, which means something else there",
    ],
    [
      "a type of its own",
      `${proto3} message DeepPartial {}`,
      "p.DeepPartial: would be called DeepPartial by ts-proto, which means something else there",
    ],
    [
      "two types of one name",
      `${proto3} message Ab { message Cd {} } message AbCd {}`,
      "p.AbCd: and Ab.Cd would both declare AbCd in the TypeScript of ts-proto",
      "ts_proto.useSnakeTypeName=false",
    ],
    [
      "two that differ by an underscore",
      `${proto3} message foo_bar {} message fooBar {}`,
      "p.fooBar: and foo_bar would both declare fooBar in the TypeScript of ts-proto",
    ],
    [
      "a message called like a function for another",
      `${proto3} message A {} message createBaseA {}`,
      "p.createBaseA: and A would both declare createBaseA in the TypeScript of ts-proto",
    ],
    [
      "a message called like a function for an enum",
      `${proto3} enum E { V = 0; } message eToJSON {}`,
      "p.eToJSON: and E would both declare eToJSON in the TypeScript of ts-proto",
    ],
    [
      "a field of underscores",
      `${proto3} message M { int32 __ = 1; }`,
      "p.M: has a field __, of which ts-proto makes no name",
    ],
    [
      "a oneof of underscores",
      `${proto3} message M { oneof _ { int32 a = 1; } }`,
      "p.M: has a oneof _, of which ts-proto makes no name",
    ],
    [
      "two fields of one name",
      'syntax = "proto2"; package p; message M { optional int32 a_b = 1; optional int32 aB = 2; }',
      "p.M: has a_b and aB, which ts-proto would both call aB",
    ],
    [
      "a oneof called like a field",
      `${proto3} message M { int32 a_b = 1; oneof aB { int32 c = 2; } }`,
      "p.M: has a_b and aB, which ts-proto would both call aB",
    ],
    [
      "a field that every object has",
      `${proto3} message M { string to_string = 1; }`,
      "p.M: has to_string, which ts-proto would call toString and so find in every object, set or not",
    ],
    [
      "a oneof that every object has",
      `${proto3} message M { oneof constructor { int32 a = 1; } }`,
      "p.M: has constructor, which ts-proto would call constructor and so find in every object, set or not",
    ],
    [
      "a FieldMask in a oneof",
      `${proto3} import "google/protobuf/field_mask.proto"; message M { oneof o { google.protobuf.FieldMask mask = 1; } }`,
      "p.M: has mask in a oneof, a FieldMask, for which ts-proto's code does not compile",
    ],
  ])("%s", async (_, text, expected, parameter = "") => {
    expect(await errorOf(text, parameter)).toBe(`m.proto: ${expected}${otherLibrary}`);
    expect(await errorOf(text, `${parameter},emit=services`)).toBe("");
  });

  test.each([
    ["a word", "class", "has a value class, of which ts-proto makes no type"],
    ["a type of TypeScript", "string", "has a value string, of which ts-proto makes no type"],
  ])("an enum value that is %s", async (_, value, expected) => {
    const text = `${proto3} message M { enum E { ${value} = 0; } }`;
    expect(await errorOf(text, "")).toBe(`m.proto: p.M.E: ${expected}${otherEnums}`);
    expect(await errorOf(text, "ts_proto.enumsAsLiterals=false")).toBe("");
  });

  test("an enum value that would set the prototype of its object", async () => {
    const fault = "has a value __proto__, which sets the prototype of what ts-proto makes of it";
    expect(await errorOf(`${proto3} enum E { __proto__ = 0; }`, "")).toBe(`m.proto: p.E: ${fault}${otherLibrary}`);
  });

  test("an enum value that it adds itself", async () => {
    const text = `${proto3} enum E { UNRECOGNIZED = 0; }`;
    expect(await errorOf(text, "")).toBe(`m.proto: p.E: has a value UNRECOGNIZED, as ts-proto adds one${otherLibrary}`);
    expect(await errorOf(text, "ts_proto.unrecognizedEnum=false")).toBe("");
  });

  test("a quote in a path, which it prints as it is", async () => {
    const text = `${proto3} message M {}`;
    const quote = "has a quote in its path, which ts-proto does not escape";
    expect(await errorOf(text, "", "a'b.proto")).toBe(`a'b.proto: ${quote}${otherLibrary}`);
    expect(await errorOf(text, "messages=protobuf-es", "a'b.proto")).toBe("");
  });

  test("a prefix that begins with a digit", async () => {
    expect(await errorOf(`${proto3} message M {}`, "ts_proto.typePrefix=1")).toMatch(
      /^option ts_proto.typePrefix has no value "1": it must match/,
    );
    expect(await errorOf(`${proto3} message M {}`, "ts_proto.typeSuffix=1,ts_proto.messagePrefix=A1")).toBe("");
  });
});

describe("protoc-gen-es", () => {
  test.each([
    [
      "a word that it does not know to be reserved",
      "message await {}",
      "p.await: would be called await by protoc-gen-es, which TypeScript does not allow",
    ],
    [
      "a type of TypeScript",
      "message M { } enum unknown { A = 0; }",
      "p.unknown: would be called unknown by protoc-gen-es, which TypeScript does not allow",
    ],
    [
      "a service",
      "service arguments {}",
      "p.arguments: would be called arguments by protoc-gen-es, which TypeScript does not allow",
    ],
    [
      "a field of underscores",
      "message M { message N { int32 __ = 1; } }",
      "p.M.N.__: has nothing in its name of which protoc-gen-es makes another",
    ],
    [
      "a oneof of underscores",
      "message M { oneof _ { int32 a = 1; } }",
      "p.M._: has nothing in its name of which protoc-gen-es makes another",
    ],
  ])("%s", async (_, text, expected) => {
    expect(await errorOf(`${proto3} ${text}`, "messages=protobuf-es")).toBe(`m.proto: ${expected}${rename}`);
    expect(await errorOf(`${proto3} ${text}`, "messages=protobuf-es,emit=services")).toBe("");
  });
});

describe("both libraries", () => {
  test.each(["ts-proto", "protobuf-es"])("do what is merely odd: %s", async (library) => {
    const odd = `${proto3}
      message Object { map<int32, string> _1 = 1; int32 class = 2; int32 default = 3; Promise then = 4; }
      message Promise { oneof kind { int32 _a = 1; int32 b_ = 2; } } message is {} message Function { int32 name = 1; }
      enum Number { A = 0; await_ = 1; }`;
    expect(await errorOf(odd, `messages=${library}`)).toBe("");
  });
});
