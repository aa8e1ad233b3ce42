/**
 * The evidence for what messages/ts-proto/limits.ts refuses and accepts: bytes of ts-proto's code, read by
 * @bufbuild/protobuf, and the other way round.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  create,
  createFileRegistry,
  type DescMessage,
  equals,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTsProtoLibrary } from "../../plugin/src/messages/ts-proto.js";
import { parseOptions } from "../../plugin/src/options.js";
import { readRequest } from "../../plugin/src/read-model.js";
import { compileProtos, type Protos, requestFor, root } from "./compile-protos.js";
import { generate } from "./responses.js";

interface TsProto {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  fromPartial(partial: object): unknown;
}

let directory = "";
beforeAll(() => {
  // Inside of the repository, so that what is generated finds @bufbuild/protobuf.
  mkdirSync(join(root, "test/tmp"), { recursive: true });
  directory = mkdtempSync(join(root, "test/tmp/limits-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The message `M` of a proto, from both libraries, whether we refuse the proto or not. */
async function both(text: string): Promise<{ tsProto: TsProto; schema: DescMessage; error: string }> {
  const protos: Protos = { "m.proto": text };
  const request = requestFor(protos);
  const [file] = await createTsProtoLibrary(parseOptions(""), readRequest(request)).generate();
  const path = join(mkdtempSync(join(directory, "m-")), "m.ts");
  writeFileSync(path, file!.content);
  const module = (await import(pathToFileURL(path).href)) as { M: TsProto };
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compileProtos(protos)));
  return { tsProto: module.M, schema: registry.getMessage("M")!, error: (await generate(request)).error };
}

const proto2 = 'syntax = "proto2";';
const edition = 'edition = "2023";';

describe("accepted, since both sides read the same values", () => {
  test.each([
    ["proto2 groups", `${proto2} message M { optional group G = 1 { optional int32 a = 1; } }`, { g: { a: 1 } }],
    [
      "repeated and nested groups",
      `${proto2} message M { repeated group G = 1 { optional group H = 2 { optional string s = 1; } } }`,
      { g: [{ h: { s: "x" } }, { h: {} }] },
    ],
    ["required messages", `${proto2} message M { required N n = 1; message N {} }`, { n: {} }],
    ["optional scalars", `${proto2} message M { optional int32 a = 1; optional string b = 2; }`, { a: 5, b: "x" }],
    ["defaults that it knows", `${proto2} message M { optional int32 a = 1 [default = 7]; }`, { a: 0 }],
    ["a default of zero", `${edition} message M { int32 a = 1 [default = 0]; }`, { a: 3 }],
    ["unpacked fields", `${proto2} message M { repeated int32 a = 1; }`, { a: [1, 2] }],
    ["packed fields", `${proto2} message M { repeated int32 a = 1 [packed = true]; }`, { a: [1, 2] }],
    ["fields of editions", `${edition} message M { int32 a = 1; repeated int32 b = 2; }`, { a: 1, b: [1, 2] }],
    [
      "expanded fields",
      `${edition} message M { repeated int32 a = 1 [features.repeated_field_encoding = EXPANDED]; }`,
      { a: [1, 2] },
    ],
    [
      "expanded files, which it packs",
      `${edition} option features.repeated_field_encoding = EXPANDED; message M { repeated int32 a = 1; }`,
      { a: [1, 2] },
    ],
    [
      "closed enums",
      `${edition} message M { E e = 1; repeated E es = 2; } enum E { option features.enum_type = CLOSED; A = 1; B = 2; }`,
      { e: 2, es: [1, 2] },
    ],
    [
      "closed enums that begin elsewhere",
      `${proto2} message M { optional E e = 1; } enum E { A = 1; B = 2; }`,
      { e: 2 },
    ],
  ])("%s", async (_, proto, value) => {
    const { tsProto, schema, error } = await both(proto);
    expect(error).toBe("");
    const expected = create(schema, value);
    const written = tsProto.encode(tsProto.fromPartial(value)).finish();
    expect(equals(schema, fromBinary(schema, written), expected)).toBe(true);
    const read = tsProto.decode(toBinary(schema, expected));
    expect(equals(schema, fromBinary(schema, tsProto.encode(read).finish()), expected)).toBe(true);
  });

  test("unknown numbers of closed enums, which come back as they came", async () => {
    const { tsProto } = await both(`${proto2} message M { optional E e = 1; } enum E { A = 1; }`);
    const bytes = new Uint8Array([8, 99]);
    expect([...tsProto.encode(tsProto.decode(bytes)).finish()]).toEqual([...bytes]);
  });
});

describe("refused, since a peer would read something else", () => {
  test.each([
    [
      "delimited fields",
      `${edition} message M { N n = 1 [features.message_encoding = DELIMITED]; message N { int32 a = 1; } }`,
      { n: { a: 1 } },
    ],
    ["defaults of editions", `${edition} message M { int32 a = 1 [default = 5]; }`, { a: 0 }],
    ["defaults of bytes", `${proto2} message M { optional bytes a = 1 [default = "x"]; }`, { a: new Uint8Array() }],
    [
      "closed enums with a zero that is not the first",
      `${proto2} message M { optional E e = 1; } enum E { A = 1; Z = 0; }`,
      { e: 0 },
    ],
  ])("%s", async (_, proto, value) => {
    const { tsProto, schema, error } = await both(proto);
    expect(error).toMatch(/^m.proto: M.\w+: has .* use messages=protobuf-es for it$/);
    const written = tsProto.encode(tsProto.fromPartial(value)).finish();
    const [name] = Object.keys(value) as [string];
    expect(readField(schema, written, name)).not.toEqual(field(create(schema, value), name));
  });

  test.each([
    ["required", `${proto2} message M { required int32 a = 1; }`],
    ["LEGACY_REQUIRED", `${edition} message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; }`],
  ])("%s fields, which are left out where they hold their default", async (_, proto) => {
    const { tsProto, error } = await both(proto);
    expect(error).toMatch(/^m.proto: M.a: .* ts-proto does not write it where it holds its default/);
    // What is not in these no bytes, every peer misses.
    expect([...tsProto.encode(tsProto.fromPartial({ a: 0 })).finish()]).toEqual([]);
  });

  test("required fields are written with noDefaultsForOptionals, and then accepted", async () => {
    const request = requestFor(
      { "m.proto": `${proto2} message M { required int32 a = 1; }` },
      "ts_proto.noDefaultsForOptionals=true",
    );
    const { error, files } = await generate(request);
    expect(error).toBe("");
    expect(files.get("m.ts")).toMatch(/if \(\s*message\.a !== undefined\s*\)/);
  });

  test("numbers that are no TypeScript", async () => {
    const { error } = await generate(
      requestFor({ "m.proto": `${proto2} message M { optional float a = 1 [default = -nan]; }` }),
    );
    expect(error).toMatch(/^m.proto: M.a: has the default "-?nan"/);
  });
});

/** What a peer reads; undefined where it can read nothing. */
function readField(schema: DescMessage, bytes: Uint8Array, name: string): unknown {
  try {
    return field(fromBinary(schema, bytes), name);
  } catch {
    return undefined;
  }
}

function field(message: Message, name: string): unknown {
  return (message as unknown as { readonly [name: string]: unknown })[name];
}
