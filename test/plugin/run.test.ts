import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import { compileProtos, encodeRequest, filesOf, requestFor, root } from "./compile-protos.js";
import { generate, relativeImports, responseBytes } from "./responses.js";

const protos = {
  "a/a.proto": `syntax = "proto3"; package a; import "b/b.proto"; import "google/protobuf/timestamp.proto";
    service A { rpc R(b.M) returns (google.protobuf.Timestamp); }
    message BinaryReader {}`,
  "b/b.proto": 'syntax = "proto3"; package b; message M { int64 i = 1; }',
  "c.proto": `syntax = "proto3"; import "b/b.proto"; service C { rpc R(b.M) returns (b.M); }`,
};

describe("a response", () => {
  test("says first which features are supported", async () => {
    const { files, error, ...features } = await generate(requestFor(protos));
    expect(features).toEqual({ supportedFeatures: 3n, minimumEdition: 998, maximumEdition: 1002 });
    expect(error).toBe("");
    expect([...files.keys()]).toEqual([
      "a/a_grpc.ts",
      "c_grpc.ts",
      "a/a.ts",
      "b/b.ts",
      "c.ts",
      "google/protobuf/timestamp.ts",
    ]);
  });

  test("has no messages with emit=services", async () => {
    const { files } = await generate(requestFor(protos, "emit=services"));
    expect([...files.keys()]).toEqual(["a/a_grpc.ts", "c_grpc.ts"]);
  });

  test("has services only of files to generate, and messages of all that they import", async () => {
    const { files } = await generate(requestFor(protos, "", ["c.proto"]));
    expect([...files.keys()]).toEqual(["c_grpc.ts", "b/b.ts", "c.ts"]);
    const without = await generate(requestFor(protos, "ts_proto.emitImportedFiles=false", ["c.proto"]));
    expect([...without.files.keys()]).toEqual(["c_grpc.ts", "c.ts"]);
  });

  test("is the same in any order of files", async () => {
    const files = filesOf(compileProtos(protos));
    const names = Object.keys(protos);
    const request = encodeRequest({ generate: names, files });
    const reversed = encodeRequest({ generate: [...names].reverse(), files: [...files].reverse() });
    expect(Buffer.compare(await responseBytes(request), await responseBytes(reversed))).toBe(0);
  });

  test("has each file as any other split would have it", async () => {
    const whole = (await generate(requestFor(protos))).files;
    for (const name of Object.keys(protos)) {
      const { files } = await generate(requestFor(protos, "", [name]));
      for (const [path, content] of files) expect(content).toBe(whole.get(path));
    }
  });

  test("does not depend on the compiler's version", async () => {
    const version = new BinaryWriter()
      .uint32((3 << 3) | 2)
      .bytes(new Uint8Array([8, 99]))
      .finish();
    const request = requestFor(protos);
    const other = await responseBytes(Buffer.concat([request, version]));
    expect(Buffer.compare(await responseBytes(request), other)).toBe(0);
  });

  test.each([
    ["js", '"../b/b.js"', '"../google/protobuf/timestamp.js"'],
    ["ts", '"../b/b.ts"', '"../google/protobuf/timestamp.ts"'],
    ["none", '"../b/b"', '"../google/protobuf/timestamp"'],
  ])("imports with extension %s", async (extension, b, timestamp) => {
    const { files } = await generate(requestFor(protos, `import_extension=${extension}`));
    const service = files.get("a/a_grpc.ts");
    expect(service).toContain(`from ${b}`);
    expect(service).toContain(`from ${timestamp}`);
    for (const specifier of [...files.values()].flatMap(relativeImports)) {
      expect(specifier.endsWith(extension === "none" ? "" : `.${extension}`)).toBe(true);
    }
  });

  test("imports from where ts-proto was told to put messages", async () => {
    const parameter = "ts_proto.fileSuffix=.pb,ts_proto.typePrefix=I,runtime_import=#rt,requests=full";
    const { files } = await generate(requestFor(protos, parameter));
    const service = files.get("a/a_grpc.ts");
    expect(service).toContain('import { IM } from "../b/b.pb.js"');
    expect(service).toContain('from "#rt"');
    expect(service).toContain('import { tsProtoFull } from "#rt/ts-proto"');
    expect(service).not.toContain("DeepPartial");
    expect([...files.keys()]).toContain("b/b.pb.ts");
  });
});

describe("an error", () => {
  const bug = (name: string) => readFileSync(join(root, "fixtures/bugs", name), "utf8");

  test.each([
    [
      "colliding_rpcs.proto",
      "colliding_rpcs.proto: bugs.Colliding.get_thing: rpc GetThing and rpc get_thing would both be called getThing in TypeScript: rename one of them",
    ],
    [
      "delimited.proto",
      "delimited.proto: bugs.Delimited.self: has the feature message_encoding = DELIMITED, which ts-proto writes length-prefixed: use messages=protobuf-es for it",
    ],
    ["delimited_file.proto", /^delimited_file.proto: bugs.DelimitedFile.list: has the feature message_encoding/],
    [
      "required.proto",
      "required.proto: bugs.Required.Inner.count: is required, and ts-proto does not write it where it holds its default: use messages=protobuf-es for it",
    ],
    [
      "legacy_required.proto",
      /^legacy_required.proto: bugs.LegacyRequired.id: has the feature field_presence = LEGACY_R/,
    ],
    [
      "edition_default.proto",
      /^edition_default.proto: bugs.EditionDefault.five: has the default "5", and ts-proto takes/,
    ],
    ["bytes_default.proto", /^bytes_default.proto: bugs.BytesDefault.data: has the default "data", and/],
    ["infinite_default.proto", /^infinite_default.proto: bugs.InfiniteDefault.limit: has the default "inf", and/],
    ["enum_default.proto", /^enum_default.proto: bugs.EnumDefault.late: has the default LATE_ONE, and/],
  ])("is all that there is of %s", async (name, expected) => {
    for (const emit of ["all", "services"]) {
      const { error, files } = await generate(requestFor({ [name]: bug(name) }, `emit=${emit}`));
      expect(error).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
      expect(error).not.toContain("\n");
      expect(files.size).toBe(0);
    }
  });

  test("is the answer to an edition that ts-proto would take for proto2", async () => {
    const [file] = filesOf(compileProtos({ "a.proto": 'edition = "2024"; message M { int32 a = 1; }' }));
    expect((await generate(encodeRequest({ generate: ["a.proto"], files: [file!] }))).error).toBe("");
    // The last value of a field counts.
    const newer = Buffer.concat([
      file!,
      new BinaryWriter()
        .uint32(14 << 3)
        .int32(1002)
        .finish(),
    ]);
    const { error } = await generate(encodeRequest({ generate: ["a.proto"], files: [newer] }));
    expect(error).toBe("a.proto: uses edition 2026, which ts-proto does not know: use messages=protobuf-es for it");
  });

  test("names an imported file that ts-proto cannot do", async () => {
    const { error } = await generate(
      requestFor(
        {
          "user.proto": 'syntax = "proto3"; import "delimited.proto"; message User {}',
          "delimited.proto": bug("delimited.proto"),
        },
        "",
        ["user.proto"],
      ),
    );
    expect(error).toMatch(/^delimited.proto: bugs.Delimited.self: /);
  });

  test("is the answer to two protos for one module", async () => {
    const names = ["same_output.proto", "same_output_grpc.proto"];
    const both = Object.fromEntries(names.map((name) => [name, bug(name)]));
    const { error } = await generate(requestFor(both, "", ["same_output.proto"]));
    expect(error).toBe(
      "same_output_grpc.ts: is the output of same_output.proto and of same_output_grpc.proto: rename one of the protos",
    );
  });

  test.each([["a.protos/b.proto"], ["a.txt"]])("is the answer to a path that ts-proto gets wrong: %s", async (path) => {
    const { error } = await generate(requestFor({ [path]: 'syntax = "proto3"; message M {}' }));
    expect(error).toMatch(/: has a path in which ts-proto does not find the extension: let it end in .proto/);
  });

  test("comes with the features, so that the compiler shows it and not another", async () => {
    const { error, supportedFeatures } = await generate(requestFor(protos, "nonsense=1"));
    expect(supportedFeatures).toBe(3n);
    expect(error).toMatch(/^there is no option nonsense/);
  });

  test("is one line, whatever a hostile descriptor has for a name", async () => {
    const { error } = await generate(encodeRequest({ generate: ["a\nb\u2028c"], files: [] }));
    expect(error).toMatch(/^"a\\nb c" is no path of a proto: /);
  });
});
