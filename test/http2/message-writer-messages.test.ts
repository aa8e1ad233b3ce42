/** Messages of ts-proto, filled at random: MessageWriter writes what their own writer writes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type DescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createTsProtoLibrary } from "../../plugin/src/messages/ts-proto.js";
import { parseOptions } from "../../plugin/src/options.js";
import { readRequest } from "../../plugin/src/read-model.js";
import type { WireWriter } from "../../runtime/src/contract.js";
import { MessageWriter } from "../../runtime/src/transport/http2/message-writer.js";
import { compileProtos, type Protos, readAll, requestFor, root } from "../plugin/compile-protos.js";
import { ReplacedBuffers } from "./replaced-buffers.js";
import { type Scalar, slacks, values } from "./wire-values.js";

interface TsProto {
  encode(message: unknown, writer?: WireWriter): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

// ── Random messages ─────────────────────────────────────────────────────────────────────────────────────────────────

type Type = FieldDescriptorProto_Type;
const { GROUP, MESSAGE } = FieldDescriptorProto_Type;

/** What writes a field of a type, and the wire type in its tag. */
const written: Readonly<Record<Exclude<Type, 10 | 11>, readonly [Scalar, number]>> = {
  [FieldDescriptorProto_Type.DOUBLE]: ["double", 1],
  [FieldDescriptorProto_Type.FLOAT]: ["float", 5],
  [FieldDescriptorProto_Type.INT64]: ["int64", 0],
  [FieldDescriptorProto_Type.UINT64]: ["uint64", 0],
  [FieldDescriptorProto_Type.INT32]: ["int32", 0],
  [FieldDescriptorProto_Type.FIXED64]: ["fixed64", 1],
  [FieldDescriptorProto_Type.FIXED32]: ["fixed32", 5],
  [FieldDescriptorProto_Type.BOOL]: ["bool", 0],
  [FieldDescriptorProto_Type.STRING]: ["string", 2],
  [FieldDescriptorProto_Type.BYTES]: ["bytes", 2],
  [FieldDescriptorProto_Type.UINT32]: ["uint32", 0],
  [FieldDescriptorProto_Type.ENUM]: ["int32", 0],
  [FieldDescriptorProto_Type.SFIXED32]: ["sfixed32", 5],
  [FieldDescriptorProto_Type.SFIXED64]: ["sfixed64", 1],
  [FieldDescriptorProto_Type.SINT32]: ["sint32", 0],
  [FieldDescriptorProto_Type.SINT64]: ["sint64", 0],
};

interface DeclaredType {
  readonly message: DescriptorProto;
  /** The proto file that declares it. */
  readonly file: string;
  /** What ts-proto calls it: `Outer_Inner`. */
  readonly exported: string;
}

/** By full name. */
type Types = ReadonlyMap<string, DeclaredType>;

function typesOf(protos: Protos): Types {
  const types = new Map<string, DeclaredType>();
  const add = (file: string, scope: string, outer: string, messages: readonly DescriptorProto[]): void => {
    for (const message of messages) {
      const exported = outer + message.name;
      types.set(scope + message.name, { message, file, exported });
      add(file, `${scope}${message.name}.`, `${exported}_`, message.nestedType);
    }
  };
  for (const { name, package: scope, messageType } of fromBinary(FileDescriptorSetSchema, compileProtos(protos)).file) {
    add(name, scope === "" ? "" : `${scope}.`, "", messageType);
  }
  return types;
}

/** Writes what was drawn for a field, or for a whole message. */
type Write = (writer: BinaryWriter) => void;

/** A message as a peer may send it: any field, or none, repeated ones unpacked; nested to some depth. */
function messages(
  types: Types,
  name: string,
  depth: number,
  longs: fc.Arbitrary<unknown> | undefined,
): fc.Arbitrary<Write> {
  const fields = types.get(name)!.message.field.map((field) => {
    const { number, type } = field;
    const most = field.label === FieldDescriptorProto_Label.REPEATED ? 6 : 1;
    if (type === MESSAGE || type === GROUP) {
      if (depth === 0) return fc.constant<Write>(() => {});
      const bodies = messages(types, field.typeName.slice(1), depth - 1, longs);
      const one = bodies.map((body): Write => {
        return (writer) => {
          if (type === MESSAGE) writer.tag(number, 2).fork();
          else writer.tag(number, 3);
          body(writer);
          if (type === MESSAGE) writer.join();
          else writer.tag(number, 4);
        };
      });
      return fc.array(one, { maxLength: most }).map(inTurn);
    }
    const [method, wireType] = written[type];
    const drawn = longs !== undefined && method.endsWith("64") ? longs : values[method];
    return fc
      .array(drawn, { maxLength: most })
      .map((all) => inTurn(all.map((value) => (writer) => void writer.tag(number, wireType)[method](value as never))));
  });
  return fc.tuple(...fields).map(inTurn);
}

const inTurn =
  (parts: readonly Write[]): Write =>
  (writer) => {
    for (const part of parts) part(writer);
  };

// ── Comparison ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** One for all messages, as in a process. */
const writer = new MessageWriter();

/** Returns how many bytes were compared. */
function compare(tsProto: TsProto, drawn: fc.Arbitrary<Write>): number {
  let bytes = 0;
  fc.assert(
    fc.property(drawn, slacks, (write, slack) => {
      const binary = new BinaryWriter();
      write(binary);
      const message = tsProto.decode(binary.finish());
      const target = new ReplacedBuffers(slack);
      writer.begin(target);
      tsProto.encode(message, writer);
      expect(target.written().toString("hex")).toBe(Buffer.from(tsProto.encode(message).finish()).toString("hex"));
      bytes += target.end;
    }),
    { numRuns: 60 },
  );
  return bytes;
}

// ── Tests ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type Module = Readonly<Record<string, TsProto>>;

/** Of all messages that a module has of a proto file; returns how many bytes were compared. */
function compareAll(module: Module, types: Types, file: string, depth: number, longs?: fc.Arbitrary<unknown>): number {
  let bytes = 0;
  for (const [name, type] of types) {
    const tsProto = module[type.exported];
    if (type.file !== file || tsProto === undefined) continue;
    const extra = fc.array(unknownField, { maxLength: 1 }).map(inTurn);
    bytes += compare(tsProto, fc.tuple(messages(types, name, depth, longs), extra).map(inTurn));
  }
  return bytes;
}

/** Whoever keeps it gives it back by raw(). */
const unknownField = values.bytes.map(
  (data): Write =>
    (to) =>
      void to.tag(40_000, 2).bytes(data as Uint8Array),
);

describe("generated here", () => {
  const fixed = "double float fixed32 sfixed32 fixed64 sfixed64";
  const packable = `${fixed} int64 uint64 int32 bool uint32 sint32 sint64 E`.split(" ");
  const all = [...packable, "string", "bytes"];
  const keys = all.filter((type) => !["double", "float", "bytes", "E"].includes(type));
  const fields = (first: number, of: readonly string[], declare: (type: string) => string, options = ""): string =>
    of.map((type, i) => `${declare(type)} = ${first + i} ${options};`).join("\n");
  const everything = `
    syntax = "proto3";
    message M {
      ${fields(1, all, (type) => `${type} one_${type}`)}
      ${fields(21, all, (type) => `optional ${type} optional_${type}`)}
      ${fields(41, all, (type) => `repeated ${type} many_${type}`)}
      ${fields(1001, packable, (type) => `repeated ${type} unpacked_${type}`, "[packed = false]")}
      oneof choice {
        ${fields(2001, all, (type) => `${type} choice_${type}`)}
        M choice_m = 2020;
      }
      ${fields(3001, keys, (type) => `map<${type}, M> by_${type}`)}
      map<string, string> texts = 3101;
      map<int32, bytes> chunks = 3102;
      M self = 536870911;
      repeated M selves = 536870910;
    }
    enum E { ZERO = 0; ONE = 1; }`;
  const order = readFileSync(join(root, "bench/proto/bench.proto"), "utf8");

  let directory = "";
  beforeAll(() => {
    // Inside of the repository, so that what is generated finds @bufbuild/protobuf.
    mkdirSync(join(root, "test/tmp"), { recursive: true });
    directory = mkdtempSync(join(root, "test/tmp/message-writer-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const safe = fc.maxSafeInteger().map((int) => Math.abs(int));
  test.each([
    ["every kind of field, longs as bigints", everything, "forceLong=bigint", undefined],
    ["every kind of field, longs as strings", everything, "forceLong=string", undefined],
    ["every kind of field, longs as numbers", everything, "forceLong=number", safe],
    ["every kind of field, unknown ones kept", everything, "unknownFields=true", undefined],
    ["the messages of the benchmarks", order, "forceLong=bigint", undefined],
  ])("%s", async (_, text, option, longs) => {
    const protos: Protos = { "m.proto": text };
    const request = readRequest(requestFor(protos));
    const [file] = await createTsProtoLibrary(parseOptions(`ts_proto.${option}`), request).generate();
    const path = join(mkdtempSync(join(directory, "m-")), "m.ts");
    writeFileSync(path, file!.content);
    const module = (await import(pathToFileURL(path).href)) as Module;
    expect(compareAll(module, typesOf(protos), "m.proto", 1, longs)).toBeGreaterThan(20_000);
  });
});

test.each([
  ["fixtures/proto", "fixtures/golden/ts-proto"],
  ["examples/demo/proto", "examples/demo/gen"],
])("messages of %s", async (from, generated) => {
  const protos = readAll(join(root, from), ".proto");
  const types = typesOf(protos);
  let bytes = 0;
  for (const { file } of new Map([...types.values()].map((type) => [type.file, type])).values()) {
    const path = join(root, generated, file.replace(/proto$/, "ts"));
    bytes += compareAll((await import(pathToFileURL(path).href)) as Module, types, file, 3);
  }
  expect(bytes).toBeGreaterThan(20_000);
});
