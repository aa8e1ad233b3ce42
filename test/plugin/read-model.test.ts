import { maximumEdition as latest } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import type { FileModel } from "../../plugin/src/model.js";
import { editionName, maximumEdition, readRequest } from "../../plugin/src/read-model.js";
import { compileProtos, encodeRequest, filesOf, type Protos, requestFor } from "./compile-protos.js";

function modelOf(protos: Protos, name = Object.keys(protos)[0]!): FileModel {
  const request = readRequest(requestFor(protos, "", [name]));
  return request.readModel(request.filesToGenerate[0]!);
}

const noDoc = { detached: [], leading: "", trailing: "" };

describe("a file", () => {
  test("reads names, kinds, options and types", () => {
    const model = modelOf({
      "a/b.proto": `syntax = "proto3"; package a.b; option deprecated = true;
        import "c.proto";
        import "google/protobuf/empty.proto";
        service S {
          rpc Unary(M) returns (M.N.O) { option idempotency_level = NO_SIDE_EFFECTS; }
          rpc Server(c.M) returns (stream google.protobuf.Empty) { option idempotency_level = IDEMPOTENT; }
          rpc Client(stream .M) returns (M) { option deprecated = true; }
          rpc Bidi(stream M) returns (stream M);
        }
        service T { option deprecated = true; }
        message M { message N { message O {} } }`,
      "c.proto": `syntax = "proto3"; package c; import public "no_package.proto"; message M {}`,
      "no_package.proto": `syntax = "proto3"; message M {}`,
    });
    const m = { typeName: "a.b.M", file: "a/b.proto", package: "a.b" };
    const rest = { idempotency: "unknown", deprecated: false, doc: noDoc };
    expect(model).toEqual({
      name: "a/b.proto",
      package: "a.b",
      deprecated: true,
      doc: noDoc,
      services: [
        {
          name: "S",
          typeName: "a.b.S",
          deprecated: false,
          doc: noDoc,
          methods: [
            {
              ...rest,
              name: "Unary",
              kind: "unary",
              request: m,
              response: { ...m, typeName: "a.b.M.N.O" },
              idempotency: "noSideEffects",
            },
            {
              ...rest,
              name: "Server",
              kind: "serverStream",
              request: { typeName: "c.M", file: "c.proto", package: "c" },
              response: {
                typeName: "google.protobuf.Empty",
                file: "google/protobuf/empty.proto",
                package: "google.protobuf",
              },
              idempotency: "idempotent",
            },
            {
              ...rest,
              name: "Client",
              kind: "clientStream",
              request: { typeName: "M", file: "no_package.proto", package: "" },
              response: m,
              deprecated: true,
            },
            { ...rest, name: "Bidi", kind: "bidiStream", request: m, response: m },
          ],
        },
        { name: "T", typeName: "a.b.T", deprecated: true, doc: noDoc, methods: [] },
      ],
    });
  });

  test.each([["proto3"], ["editions"]])("reads the comments of its first line, services and methods: %s", (kind) => {
    const first = kind === "proto3" ? 'syntax = "proto3";' : 'edition = "2023";';
    const model = modelOf({
      "a.proto": `// licence

        // file
        ${first} // after
        // package, which nobody asks for
        package a;

        /* detached one */

        // detached two

        // service
        service S {
          // in service

          // unary */
          rpc A(M) returns (M); // trailing
          /** javadoc
           * second line */
          rpc B(M) returns (M) { // in method
          }
        }
        // message
        message M {}`,
    });
    expect(model.doc).toEqual({ detached: [" licence\n"], leading: " file\n", trailing: " after\n" });
    const [service] = model.services;
    expect(service!.doc).toEqual({
      detached: [" detached one ", " detached two\n"],
      leading: " service\n",
      trailing: " in service\n",
    });
    expect(service!.methods.map(({ doc }) => doc)).toEqual([
      { detached: [], leading: " unary */\n", trailing: " trailing\n" },
      { detached: [], leading: "* javadoc\n second line ", trailing: " in method\n" },
    ]);
  });

  test("takes the first file where a request repeats one", () => {
    const files = filesOf(compileProtos({ "a.proto": 'syntax = "proto3"; package a; message M {}' }));
    const request = readRequest(encodeRequest({ generate: ["a.proto", "a.proto"], files: [...files, ...files] }));
    expect(request.filesToGenerate.map(({ name }) => name)).toEqual(["a.proto"]);
  });
});

describe("types", () => {
  test("are found through public imports of public imports, under names that more than one package has", () => {
    const model = modelOf({
      "a.proto": `syntax = "proto3"; package a; import "one.proto"; message M {}
        service S { rpc R(deep.M) returns (deep.M.M); rpc Q(M) returns (deep.inner.M); }`,
      "one.proto": 'syntax = "proto3"; package one; import public "two.proto"; message M {}',
      "two.proto": 'syntax = "proto2"; package two; import public "three.proto"; import public "four.proto";',
      "three.proto": 'edition = "2023"; package deep; message M { message M {} }',
      "four.proto": 'syntax = "proto3"; package deep.inner; message M {}',
    });
    const found = model.services[0]!.methods.map(({ request, response }) => [request, response]);
    expect(found).toEqual([
      [
        { typeName: "deep.M", file: "three.proto", package: "deep" },
        { typeName: "deep.M.M", file: "three.proto", package: "deep" },
      ],
      [
        { typeName: "a.M", file: "a.proto", package: "a" },
        { typeName: "deep.inner.M", file: "four.proto", package: "deep.inner" },
      ],
    ]);
  });

  test("of a file without a package, in which others have the names of packages", () => {
    const model = modelOf({
      "a.proto": `syntax = "proto3"; import "b.proto"; message a { message B {} }
        service S { rpc R(.a.B) returns (.b.B); }`,
      "b.proto": 'syntax = "proto3"; package b; message B {}',
    });
    expect(model.services[0]).toMatchObject({
      typeName: "S",
      methods: [
        {
          request: { typeName: "a.B", file: "a.proto", package: "" },
          response: { typeName: "b.B", file: "b.proto", package: "b" },
        },
      ],
    });
  });

  test("of a thousand rpcs, in their order", () => {
    const rpcs = Array.from({ length: 1000 }, (_, i) => `Get${i}`);
    const lines = rpcs.map((name, i) => `// Comment ${i}.\nrpc ${name}(M) returns (stream M);`);
    const model = modelOf({
      "a.proto": `syntax = "proto3"; package a; message M {} service S {\n${lines.join("\n")} }`,
    });
    const { methods } = model.services[0]!;
    expect(methods.map(({ name, doc }) => `${name}${doc.leading}`)).toEqual(
      rpcs.map((name, i) => `${name} Comment ${i}.\n`),
    );
  });
});

describe("a request", () => {
  test("gives parameter, compiler, files and their imports", () => {
    const protos = {
      "z.proto": 'syntax = "proto3"; import "b.proto";',
      "b.proto": 'syntax = "proto2"; import public "a.proto";',
      "a.proto": 'edition = "2024";',
      "unrelated.proto": 'syntax = "proto3";',
    };
    const version = new BinaryWriter().uint32(8).int32(7).uint32(16).int32(36).uint32(24).int32(2).finish();
    const compiler = new BinaryWriter()
      .uint32((3 << 3) | 2)
      .bytes(version)
      .finish();
    const request = readRequest(Buffer.concat([requestFor(protos, "p=q", ["z.proto"]), compiler]));
    expect(request.parameter).toBe("p=q");
    expect(request.compilerVersion).toBe("v7.36.2");
    const all = request.withImports(request.filesToGenerate);
    expect(all.map(({ name, edition }) => [name, editionName(edition)])).toEqual([
      ["a.proto", "2024"],
      ["b.proto", "proto2"],
      ["z.proto", "proto3"],
    ]);
  });

  test("steps over source_file_descriptors, whatever is in it", () => {
    const junk = new BinaryWriter()
      .uint32((17 << 3) | 2)
      .bytes(new Uint8Array([255, 255]))
      .finish();
    const protos = { "a.proto": 'syntax = "proto3";' };
    expect(readRequest(Buffer.concat([requestFor(protos), junk])).files.size).toBe(1);
  });

  test("supports the editions that @bufbuild/protobuf supports", () => {
    expect(maximumEdition).toBe(latest);
  });
});

describe("faults", () => {
  const valid = requestFor({ "a.proto": 'syntax = "proto3"; package a; message M {}' });

  test.each([
    ["text", new TextEncoder().encode("this is no request")],
    ["a length beyond the end", new Uint8Array([0x0a, 200, 1])],
    ["a field number of 0", new Uint8Array([0x02, 0])],
    ["an endless varint", new Uint8Array(16).fill(255)],
    ["a request cut short", valid.subarray(0, -3)],
    ["a file that is none", encodeRequest({ generate: [], files: [new Uint8Array([0x0a, 9, 9])] })],
  ])("%s is malformed, in one line", (_, bytes) => {
    expect(() => readRequest(bytes)).toThrow(
      expect.objectContaining({
        name: "MalformedRequestError",
        message: expect.stringMatching(/^the CodeGeneratorRequest on stdin cannot be parsed \([^\n]+$/),
      }),
    );
  });

  test("a service that is none is malformed when it is read", () => {
    const file = new BinaryWriter()
      .uint32(10)
      .string("a.proto")
      .uint32(50)
      .bytes(new Uint8Array([10, 9]))
      .finish();
    const request = readRequest(encodeRequest({ generate: ["a.proto"], files: [file] }));
    expect(() => request.readModel(request.filesToGenerate[0]!)).toThrow(
      expect.objectContaining({ name: "MalformedRequestError" }),
    );
  });

  test("a file to generate that is not there", () => {
    expect(() => readRequest(encodeRequest({ generate: ["b.proto"], files: [] }))).toThrow(
      /^b.proto: is to be generated, but is not among the files of the request: this is a fault of the compiler/,
    );
  });

  test("an import that is not there", () => {
    const files = filesOf(
      compileProtos({
        "b.proto": 'syntax = "proto3"; package b; message M {}',
        "a.proto": 'syntax = "proto3"; package a; import "b.proto"; service S { rpc R(b.M) returns (b.M); }',
      }),
    ).slice(1);
    const request = readRequest(encodeRequest({ generate: ["a.proto"], files }));
    expect(() => request.withImports(request.filesToGenerate)).toThrow(
      /^a.proto: imports b.proto, which is not among the files of the request: /,
    );
    expect(() => request.readModel(request.filesToGenerate[0]!)).toThrow(
      "a.proto: a.S.R: uses b.M, which no file of the request declares: import the file that declares it",
    );
  });

  test("an edition that is too new", () => {
    const file = new BinaryWriter().uint32(10).string("a.proto").uint32(98).string("editions").uint32(112).int32(1003);
    const request = readRequest(encodeRequest({ generate: ["a.proto"], files: [file.finish()] }));
    expect(() => request.readModel(request.filesToGenerate[0]!)).toThrow(
      /^a.proto: uses edition number 1003, and the newest known here is 2026: update @trunkline\/protoc-gen-ts/,
    );
  });
});

test("of what files import, those are used whose types are in a field or an rpc, directly or not", () => {
  const message = (name: string, fields = "") => `message ${name} { ${fields} }`;
  const file = (text: string, ...imports: readonly string[]) =>
    `syntax = "proto3"; package p; ${imports.map((name) => `import "${name}.proto";`).join(" ")} ${text}`;
  const request = readRequest(
    requestFor(
      {
        "options.proto": file(
          `${message("Rule")} extend google.protobuf.FieldOptions { Rule rule = 50001; }`,
          "google/protobuf/descriptor",
        ),
        "field.proto": file(message("Outer", message("Field", "Deep deep = 1;")), "deep"),
        "deep.proto": file(message("Deep", "string name = 1 [(rule) = {}];"), "options"),
        "enum.proto": file(message("Holder", "enum Kind { ZERO = 0; }")),
        "map.proto": file(message("Value")),
        "rpc.proto": file(message("Answer")),
        "through.proto": `syntax = "proto3"; import public "public.proto";`,
        "public.proto": file(message("Public")),
        "unused.proto": file(
          `${message("Unused", "Nowhere nowhere = 1;")} service T { rpc R(Nowhere) returns (Nowhere); }`,
          "nowhere",
        ),
        "nowhere.proto": file(message("Nowhere")),
        "a.proto": file(
          `${message("A", "message B { Outer.Field field = 1; map<string, Value> map = 2; } Holder.Kind kind = 2; Public public = 3;")}
           service S { rpc R(A) returns (Answer); }`,
          ...["field", "enum", "map", "rpc", "through", "unused"],
        ),
      },
      "",
      ["a.proto"],
    ),
  );
  expect(request.withUsedImports(request.filesToGenerate).map(({ name }) => name)).toEqual(
    ["a", "deep", "enum", "field", "map", "public", "rpc"].map((name) => `${name}.proto`),
  );
});
