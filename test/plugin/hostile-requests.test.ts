/** Requests that no compiler sends: what the fuzzing of the plugin (test/fuzz/plugin.ts) found, and why it was wrong. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { inOrderOfImports } from "../../plugin/src/imports.js";
import { encodeRequest } from "./compile-protos.js";
import { generate } from "./responses.js";

type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;

function file(init: FileInit): Uint8Array {
  return toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, { syntax: "proto3", ...init }));
}

/** The answer to a request for the first of the files. */
async function answerTo(files: readonly FileInit[], parameter = "") {
  const name = files[0]?.name ?? "";
  return generate(encodeRequest({ generate: [name], parameter, files: files.map(file) }));
}

const eitherLibrary = ["messages=ts-proto", "messages=protobuf-es"];

describe("paths", () => {
  test.each([
    ["goes out of the output", "../../etc/x.proto"],
    ["is absolute", "/etc/x.proto"],
    ["has an empty segment", "a//b.proto"],
    ["goes nowhere", "a/./b.proto"],
    ["is another on Windows", "a\\b.proto"],
    ["ends the comment that it is in, and the rest is code", "a\nthrow 1;.proto"],
    ["ends it as well", "a\u2028throw 1;.proto"],
    ["is not UTF-8", "a\ufffd.proto"],
    ["is none, and an error would name no place", ""],
    ["looks like none", " "],
  ])("one that %s is refused", async (_, name) => {
    for (const library of eitherLibrary) {
      const { error, files } = await answerTo([{ name, service: [{ name: "S" }] }], library);
      expect(error).toMatch(/^"[^\n]*" is no path of a proto: it must be relative to an import path/);
      expect(files.size).toBe(0);
    }
    const { error } = await answerTo([{ name: "a.proto", dependency: [name] }, { name }], "");
    expect(error).toMatch(/is no path of a proto/);
  });

  test("one without a path is refused where nobody imports it, but a message of it is used", async () => {
    const method = [{ name: "R", inputType: ".M", outputType: ".M" }];
    const { error } = await answerTo([
      { name: "a.proto", service: [{ name: "S", method }] },
      { name: "", messageType: [{ name: "M" }] },
    ]);
    expect(error).toMatch(/^"" is no path of a proto: /);
  });

  test("those that are merely odd are not", async () => {
    for (const name of ["With Space.proto", "Ünï/名.proto", "a/__proto__.proto", "a..b/.c.proto"]) {
      for (const library of eitherLibrary) {
        const { error, files } = await answerTo([{ name, service: [{ name: "S" }] }], library);
        expect({ error, services: [...files.keys()].filter((one) => one.endsWith("_grpc.ts")) }).toEqual({
          error: "",
          services: [name.replace(/\.proto$/, "_grpc.ts")],
        });
      }
    }
  });
});

describe("imports", () => {
  test.each([
    ["itself", [{ name: "a.proto", dependency: ["a.proto"] }], "a.proto: imports itself: remove one of these imports"],
    [
      "what imports it",
      [
        { name: "a.proto", dependency: ["b.proto"] },
        { name: "b.proto", dependency: ["c.proto"] },
        { name: "c.proto", dependency: ["a.proto"] },
      ],
      "a.proto: imports itself, by way of b.proto and 1 more: remove one of these imports",
    ],
  ])("a file that imports %s", async (_, files, expected) => {
    expect((await answerTo(files, "messages=protobuf-es")).error).toBe(expected);
  });

  test("as deep as they like, where a function that calls itself would use up the stack", () => {
    const depth = 20_000;
    const files = Array.from({ length: depth }, (_, i) => ({
      ...{ bytes: new Uint8Array(), name: `${i}.proto`, package: "", edition: 999 },
      dependencies: i + 1 < depth ? [`${i + 1}.proto`] : [],
    }));
    const byName = new Map(files.map((one) => [one.name, one]));
    expect(inOrderOfImports(files.slice(0, 1), byName)).toEqual([...files].reverse());
  });
});

describe("names, which would be code", () => {
  const injected = 'X { } process.exit(); interface "';
  test.each([
    [
      "a package",
      { package: "a..b", service: [{ name: "S" }] },
      'a.proto: has a package called "a..b", which is no name',
    ],
    ["a service", { package: "p", service: [{ name: injected }] }, "a.proto: p: has a service called "],
    ["a service without a name", { service: [{}] }, 'a.proto: has a service called "", which is no name'],
    [
      "an rpc",
      { service: [{ name: "S", method: [{ name: "0" }] }] },
      'a.proto: S: has an rpc called "0", which is no name',
    ],
    ["a message", { messageType: [{ name: injected }] }, "a.proto: has a message called "],
    ["a field", { messageType: [{ name: "M", field: [{ name: "a b" }] }] }, 'a.proto: M: has a field called "a b"'],
    [
      "a nested message",
      { package: "p", messageType: [{ name: "M", nestedType: [{ name: "N", nestedType: [{ name: "-" }] }] }] },
      'a.proto: p.M.N: has a message called "-"',
    ],
    ["a oneof", { messageType: [{ name: "M", oneofDecl: [{ name: "" }] }] }, 'a.proto: M: has a oneof called ""'],
    ["an enum value", { enumType: [{ name: "E", value: [{ name: "\0" }] }] }, "a.proto: E: has an enum value called"],
    ["an extension", { extension: [{ name: "$" }] }, 'a.proto: has an extension called "$"'],
    ["two messages", { messageType: [{ name: "M" }, { name: "M" }] }, "a.proto: declares M twice"],
  ])("of %s are refused", async (_, init, expected) => {
    for (const library of eitherLibrary) {
      const { error, files } = await answerTo([{ name: "a.proto", ...init }], library);
      expect(error.slice(0, expected.length)).toBe(expected);
      expect(error).toMatch(/: this is a fault of the compiler that runs this plugin$/);
      expect(files.size).toBe(0);
      // Whoever imports the file gets its messages too.
      const user = { name: "user.proto", dependency: ["a.proto"] };
      const ofUser = await answerTo([user, { name: "a.proto", ...init }], library);
      expect(ofUser.error.slice(0, expected.length)).toBe(expected);
    }
  });

  test("a default of a number is printed as it is", async () => {
    const field = { name: "f", number: 1, label: FieldDescriptorProto_Label.OPTIONAL };
    for (const [type, defaultValue] of [
      [FieldDescriptorProto_Type.INT32, "1; process.exit()"],
      [FieldDescriptorProto_Type.BOOL, "process.exit()"],
      [FieldDescriptorProto_Type.DOUBLE, "1e"],
    ] as const) {
      const messageType = [{ name: "M", field: [{ ...field, type, defaultValue }] }];
      const { error } = await answerTo([{ name: "a.proto", syntax: "proto2", messageType }]);
      expect(error).toMatch(/^a.proto: M.f: has the default "/);
    }
  });
});

describe("what is no descriptor", () => {
  test("is told with the file, which the registry's own error need not name", async () => {
    const field = [{ name: "f", number: 1, type: FieldDescriptorProto_Type.MESSAGE, typeName: ".none.Such" }];
    const bad = { name: "bad.proto", syntax: "proto2", messageType: [{ name: "M", field }] };
    const files = [{ name: "a.proto", dependency: ["b.proto", "bad.proto"] }, { name: "b.proto" }, bad];
    for (const library of eitherLibrary) {
      const { error } = await answerTo(files, library);
      expect(error).toMatch(
        /^bad.proto: is not what a compiler makes of a proto \(.*\.none\.Such.*\): this is a fault/,
      );
    }
  });

  /** A message in a message, and so on; parsers of protobuf give up at 100. */
  function nestedRequest(depth: number, parameter: string): Uint8Array {
    const name = new BinaryWriter().uint32(10).string("M").finish();
    const parts: Uint8Array[] = [name];
    for (let i = 1, length = name.length; i < depth; i++) {
      parts.push(new BinaryWriter().raw(name).uint32(26).uint32(length).finish());
      length += parts.at(-1)!.length;
    }
    const message = Buffer.concat(parts.reverse());
    const bytes = new BinaryWriter().uint32(10).string("a.proto").uint32(34).bytes(message).uint32(50).bytes(service);
    return encodeRequest({ generate: ["a.proto"], parameter, files: [bytes.finish()] });
  }
  const service = Buffer.from("0a0153120b0a015212024d4d1a024d4d", "hex");

  test.each([...eitherLibrary, "messages=protobuf-es,emit=services"])(
    "with messages nested 10,000 deep is no request, and no end of the stack (%s)",
    async (parameter) => {
      await expect(generate(nestedRequest(10_000, parameter))).rejects.toMatchObject({
        name: "MalformedRequestError",
        message: expect.stringMatching(/nested deeper than 100|recursion/),
      });
    },
  );

  test("is a field of another type than its own: a parser that does not look at that would read another name", async () => {
    const good = file({ name: "a.proto", messageType: [{ name: "M" }] });
    // A message, says the number; a group, says the wire: what is in it is read as fields of the file.
    const bytes = Buffer.concat([good, Buffer.from("23000a012e24", "hex")]);
    const parameter = "messages=protobuf-es";
    const request = encodeRequest({ generate: ["a.proto"], parameter, files: [bytes] });
    await expect(generate(request)).rejects.toMatchObject({ name: "MalformedRequestError" });
  });

  test("has its types read where one of them is asked for: garbage among them is no fault of this program", async () => {
    const method = { name: "R", inputType: ".M", outputType: ".M" };
    const good = file({ name: "a.proto", messageType: [{ name: "M" }], service: [{ name: "S", method: [method] }] });
    // An enum that ends amid a field.
    const bytes = Buffer.concat([good, Buffer.from("2a020a05", "hex")]);
    const request = encodeRequest({
      generate: ["a.proto"],
      parameter: "messages=protobuf-es,emit=services",
      files: [bytes],
    });
    await expect(generate(request)).rejects.toMatchObject({ name: "MalformedRequestError" });
  });
});

describe("names of 64 KiB cost no more than their length", () => {
  // Each of its prefixes was looked for among the packages, and compared as a whole: half a minute for a few of them.
  test("a type in 32,768 packages", async () => {
    const inputType = ".a".repeat(32_768);
    const method = Array.from({ length: 50 }, (_, i) => ({ name: `R${i}`, inputType, outputType: inputType }));
    const { error } = await answerTo([{ name: "a.proto", package: "a", service: [{ name: "S", method }] }]);
    expect(error).toMatch(/^a.proto: a.S.R0: uses a\.a\.a\./);
  });

  // Was compared with each option, letter by letter.
  test("an option", async () => {
    const { error } = await answerTo([{ name: "a.proto" }], "a".repeat(65_536));
    expect(error).toMatch(/^there is no option a/);
  });
});
