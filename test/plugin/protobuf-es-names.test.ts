/** The names that protobuf-es gives, by our rules and by its own. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fileNames } from "../../plugin/src/messages/protobuf-es/names.js";
import { typesOf } from "../../plugin/src/messages/protobuf-es/types.js";
import { wellKnownModule } from "../../plugin/src/messages/protobuf-es/well-known.js";
import { createProtobufEsLibrary } from "../../plugin/src/messages/protobuf-es.js";
import { parseOptions } from "../../plugin/src/options.js";
import type { ImportSymbol } from "../../plugin/src/printer.js";
import { readRequest } from "../../plugin/src/read-model.js";
import { compileProtos, encodeRequest, filesOf, type Protos, readAll, root } from "./compile-protos.js";
import { realProtos } from "./real-protos.js";

interface Desc {
  readonly kind: "message" | "enum" | "extension" | "service" | "field";
  readonly typeName: string;
  readonly file: { readonly proto: { readonly name: string; readonly package: string } };
}
interface Symbol {
  readonly name: string;
  readonly from: string;
}
interface Schema {
  readonly allFiles: readonly (Desc["file"] & { readonly kind: "file" })[];
  typesInFile(file: Desc["file"]): Iterable<Desc>;
  generateFile(name: string): {
    importSchema(desc: Desc | Desc["file"]): Symbol;
    importShape(desc: Desc): Symbol;
    importJson(desc: Desc): Symbol;
    importValid(desc: Desc): Symbol;
  };
}
interface Plugin {
  run(request: unknown): unknown;
}

const near = createRequire(createRequire(import.meta.url).resolve("@bufbuild/protoc-gen-es/package.json"));
const { createEcmaScriptPlugin } = near("@bufbuild/protoplugin") as {
  createEcmaScriptPlugin(init: { name: string; version: string; generateTs(schema: Schema): void }): Plugin;
};
const { fromBinary } = near("@bufbuild/protobuf") as { fromBinary(schema: unknown, bytes: Uint8Array): unknown };
const { CodeGeneratorRequestSchema } = near("@bufbuild/protobuf/wkt") as { CodeGeneratorRequestSchema: unknown };

/** Has protoplugin name all types of a request, none of which is to be generated. */
function byProtoplugin<T>(files: readonly Uint8Array[], read: (schema: Schema) => T): T {
  let result: T | undefined;
  const plugin = createEcmaScriptPlugin({
    name: "test",
    version: "1",
    generateTs: (schema) => {
      result = read(schema);
    },
  });
  plugin.run(fromBinary(CodeGeneratorRequestSchema, encodeRequest({ generate: [], parameter: "target=ts", files })));
  return result!;
}

/** Both ways, in one form; `path` is where the types stand among those of their file. */
function expectSameNames(files: readonly Uint8Array[]): number {
  const request = readRequest(encodeRequest({ generate: [], files }));
  const library = createProtobufEsLibrary(parseOptions(""), request);
  const binding = library.bind({ name: "x.proto", package: "", deprecated: false, doc: noDoc, services: [] });
  return byProtoplugin(files, (schema) => {
    const f = schema.generateFile("x.ts");
    let messages = 0;
    for (const file of schema.allFiles) {
      const { name, package: packageName } = file.proto;
      const descs = [...schema.typesInFile(file)];
      const types = typesOf(request.files.get(name)!);
      expect(types.map(({ kind, path }) => `${kind} ${packageName && `${packageName}.`}${path}`)).toEqual(
        descs.map(({ kind, typeName }) => `${kind} ${typeName}`),
      );
      const ours = fileNames(name, types);
      const isData = ({ kind }: Desc) => kind === "message" || kind === "enum";
      expect(ours).toEqual({
        file: f.importSchema(file).name,
        desc: descs.map((desc) => f.importSchema(desc).name),
        shape: descs.map((desc) => (isData(desc) ? f.importShape(desc).name : undefined)),
        json: descs.map((desc) => (isData(desc) ? f.importJson(desc).name : undefined)),
        valid: descs.map((desc) => (isData(desc) ? f.importValid(desc).name : undefined)),
      });
      for (const desc of descs.filter(({ kind }) => kind === "message")) {
        const ref = { typeName: desc.typeName, file: name, package: packageName };
        const { name: shape, from } = binding.type(ref) as ImportSymbol;
        expect({ name: shape, from }).toMatchObject(pick(f.importShape(desc)));
        const [, , codecOpen, codecSchema] = binding.codec(ref) as [string, ImportSymbol, string, ImportSymbol];
        expect([codecOpen, codecSchema.name, codecSchema.from]).toEqual([
          "(",
          ...Object.values(pick(f.importSchema(desc))),
        ]);
        messages++;
      }
    }
    return messages;
  });
}

const pick = ({ name, from }: Symbol) => ({ name, from });
const noDoc = { detached: [], leading: "", trailing: "" };

const reserved = [
  ..."break case catch class const continue debugger default delete do else enum export extends false finally".split(
    " ",
  ),
  ..."for function if import in instanceof new null return super switch this throw true try typeof var void".split(" "),
  ..."while with yield implements interface let package private protected public static await async of as".split(" "),
  ..."bigint number boolean string object any never unknown undefined symbol globalThis Uint8Array Partial".split(" "),
  ..."Object Promise Array Message constructor prototype __proto__ toString hasOwnProperty arguments eval".split(" "),
];
const messages = (names: readonly string[], inner = "") =>
  names.map((name) => `message ${name} { ${inner} }`).join("\n");

const adversarial: Protos = {
  "reserved-words/some.file.proto": `syntax = "proto3"; package a.Object.delete;
    ${messages(reserved, messages(["Object", "delete", "B"]))}
    service ServiceOfIts { } service Object_Bx { } enum ObjectSchemaX { Z = 0; }`,
  "top.proto": `syntax = "proto2";
    ${messages(["A", "A_B", "ASchema", "AJson", "AValid", "ASchemaSchema", "file_top"], "extensions 100 to 199;")}
    message Outer { message A { message B { message C {} } message B_C {} } message A_B { message C {} } message A_B_C {}
      enum E { Z1 = 0; } extend .A { optional int32 ext = 101; optional int32 Outer_A = 102; } }
    message Outer_A { message B_C { } enum E { Z3 = 0; } }
    message Outer_A_B_C {}
    enum Outer_E { Z2 = 0; }
    enum Outer_ESchema { Z4 = 0; }
    message Maps { map<string, A> with_map = 1; message WithMapEntry_ {} }
    extend A { optional int32 A_BSchema = 103; optional int32 file_top$ = 104; optional group Group = 105 {} }
    service AClient { } service A_BValid { }`.replace("file_top$", "file_topSchema"),
};

describe("are the same", () => {
  test.each([
    [
      "all fixtures",
      () => ({
        ...readAll(join(root, "fixtures/proto"), ".proto"),
        ...readAll(join(root, "fixtures/proto-es"), ".proto"),
      }),
      40,
    ],
    ["adversarial names", () => adversarial, 200],
    ["Google's protos", () => realProtos(), 300],
  ] as const)("of %s", (_, protos, atLeast) => {
    expect(expectSameNames(filesOf(compileProtos(protos())))).toBeGreaterThan(atLeast);
  });

  test("of any tree of types", () => {
    fc.assert(
      fc.property(file, (bytes) => {
        expectSameNames([bytes]);
      }),
      { numRuns: 300 },
    );
  });
});

test("the protos that @bufbuild/protobuf brings are those that protoc-gen-es does not generate", () => {
  const { wktPublicImportPaths: pinned } = near("@bufbuild/protobuf/codegenv2") as {
    wktPublicImportPaths: Readonly<Record<string, string>>;
  };
  const others = ["google/protobuf/other.proto", "google/protobuf/any", "any.proto"];
  const all = [...Object.keys(pinned), ...others];
  const ours = all.map((path) => [path, wellKnownModule(path)]).filter(([, module]) => module !== undefined);
  expect(Object.fromEntries(ours)).toEqual(pinned);
});

// Trees of types whose names are made of few words, so that many clash.
const name = fc
  .array(fc.constantFrom("A", "B", "_", "Schema", "Json", "Valid", "Object", "delete"), { minLength: 1, maxLength: 4 })
  .map((words) => words.join(""))
  .filter((word) => word !== "_");

interface Scope {
  readonly messages: readonly DescriptorProto[];
  readonly enums: readonly string[];
  readonly extensions: readonly FieldDescriptorProto[];
}
const extension = (extensionName: string, i: number): FieldDescriptorProto =>
  create(FieldDescriptorProtoSchema, {
    name: extensionName,
    number: 100 + i,
    extendee: ".Target",
    type: FieldDescriptorProto_Type.INT32,
    label: FieldDescriptorProto_Label.OPTIONAL,
  });
const enumOf = (enumName: string) =>
  create(EnumDescriptorProtoSchema, { name: enumName, value: [{ name: "ZERO", number: 0 }] });

/** Distinct names, dealt out to the kinds. */
const scope = (nested: fc.Arbitrary<Scope>): fc.Arbitrary<Scope> =>
  fc.uniqueArray(fc.tuple(name, fc.nat(3), nested), { maxLength: 6, selector: ([word]) => word }).map((all) => ({
    messages: all
      .filter(([, kind]) => kind < 2)
      .map(([word, , inner]) =>
        create(DescriptorProtoSchema, {
          name: word,
          nestedType: [...inner.messages],
          enumType: inner.enums.map(enumOf),
          extension: [...inner.extensions],
        }),
      ),
    enums: all.filter(([, kind]) => kind === 2).map(([word]) => word),
    extensions: all.filter(([, kind]) => kind === 3).map(([word], i) => extension(word, i)),
  }));
const empty: fc.Arbitrary<Scope> = fc.constant({ messages: [], enums: [], extensions: [] });
const target = create(DescriptorProtoSchema, { name: "Target", extensionRange: [{ start: 100, end: 200 }] });
const file = scope(scope(scope(empty))).map(({ messages: all, enums, extensions }) =>
  toBinary(
    FileDescriptorProtoSchema,
    create(FileDescriptorProtoSchema, {
      name: "A/B.proto",
      messageType: [target, ...all],
      enumType: enums.map(enumOf),
      extension: [...extensions],
    }),
  ),
);
