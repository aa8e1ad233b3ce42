/** The messages of `messages=protobuf-es`, beside what protoc-gen-es's own plugin makes. */
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { protobufEsParameter } from "../../plugin/src/messages/protobuf-es/options.js";
import {
  compileProtos,
  encodeRequest,
  filesOf,
  inDirectoryOf,
  type Protos,
  protoc,
  readAll,
  requestFor,
  root,
} from "./compile-protos.js";
import { runPlugin } from "./plugin-process.js";
import { decodeResponse, generate } from "./responses.js";

/** What protoc-gen-es's own plugin makes of all of `protos`. */
function byProtocGenEs(protos: Protos, parameter: string): Protos {
  return inDirectoryOf(protos, (directory) => {
    const plugin = join(root, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es");
    const args = [`--plugin=protoc-gen-es=${plugin}`, "--es_out=.", `--es_opt=${parameter}`];
    protoc(["-I.", ...args, ...Object.keys(protos)], directory);
    return readAll(directory, ".ts");
  });
}

function messagesOf(files: ReadonlyMap<string, string>): Protos {
  return Object.fromEntries([...files].filter(([name]) => !name.endsWith("_grpc.ts")));
}

const fixtures = {
  ...readAll(join(root, "fixtures/proto"), ".proto"),
  ...readAll(join(root, "fixtures/proto-es"), ".proto"),
};

describe("are the same bytes", () => {
  test.each([
    ["", "js"],
    ["json_types=true,valid_types=legacy_required+protovalidate_required", "none"],
    ["erasable_syntax=false,ts_nocheck=1,elide_plugin_version=true,keep_empty_files=false", "ts"],
  ] as const)("of all fixtures with %j and import_extension=%s", async (options, extension) => {
    const given = new Map(options === "" ? [] : options.split(",").map((one) => one.split("=") as [string, string]));
    const ours = [...given].map(([name, value]) => `protobuf_es.${name}=${value}`);
    const parameter = ["messages=protobuf-es", `import_extension=${extension}`, ...ours].join();
    const { files, error } = await generate(requestFor(fixtures, parameter));
    expect(error).toBe("");
    expect(messagesOf(files)).toEqual(byProtocGenEs(fixtures, protobufEsParameter(given, extension)));
  });

  test("of imported files, whose options a compiler hands over as they were written", async () => {
    const imported: Protos = {
      "options.proto": `edition = "2024"; package o; import "google/protobuf/descriptor.proto";
        message Nested { int32 a = 1; int32 b = 2 [features.field_presence = IMPLICIT]; Nested more = 3;
          int32 source = 4 [retention = RETENTION_SOURCE]; repeated sint32 list = 5; string s = 6; extensions 100 to 199; }
        extend Nested { int32 ext = 100; int32 ext_source = 101 [retention = RETENTION_SOURCE]; }
        extend google.protobuf.FileOptions { int32 late = 50002; int32 early = 50001; Nested in_file = 50003; }
        extend google.protobuf.FieldOptions {
          Nested nested = 50001; repeated int32 numbers = 50002; repeated string texts = 50003;
          repeated int32 expanded = 50004 [features.repeated_field_encoding = EXPANDED];
          string gone = 50005 [retention = RETENTION_SOURCE];
          int32 zero = 50006; Nested group = 50007 [features.message_encoding = DELIMITED]; }`,
      "used.proto": `edition = "2024"; package u; import "options.proto";
        option features.enforce_naming_style = STYLE_LEGACY; option (o.late) = 1; option (o.early) = 2;
        option (o.in_file).b = 1; option (o.in_file).a = 2; option (o.in_file).(o.ext_source) = 3;
        message M { extensions 10 to 20 [declaration = { number: 10, full_name: ".u.x", type: ".u.M" }];
          string s = 1 [(o.nested).b = 1, (o.gone) = "x", (o.nested).a = 0, (o.nested).more.source = 5, (o.nested).list = 3,
            (o.nested).list = -3, (o.nested).(o.ext) = 5, (o.numbers) = 5, (o.numbers) = 4, (o.texts) = "b", (o.texts) = "a",
            (o.expanded) = 1, (o.expanded) = 2];
          string t = 2 [(o.nested) = { s: "x" more { b: 0 source: 1 } a: 1 list: [1, 2] }, (o.zero) = 0, (o.gone) = ""];
          string none = 4 [(o.gone) = "x"]; string little = 5 [(o.nested).source = 1];
          string style = 6 [features.enforce_naming_style = STYLE_LEGACY]; extensions 30 to 40 [verification = UNVERIFIED];
          string u = 3 [(o.nested).source = 1, (o.group) = { b: 1 a: 2 }]; }
        extend M { M x = 10; }
        service S { option deprecated = true; }`,
    };
    const user = { "user.proto": `syntax = "proto3"; import "used.proto"; message User { u.M m = 1; }` };
    const all = { ...imported, ...user };
    const { files, error } = await generate(requestFor(all, "messages=protobuf-es", ["user.proto"]));
    expect(error).toBe("");
    expect(messagesOf(files)).toEqual(byProtocGenEs(all, protobufEsParameter(new Map(), "js")));
  });

  test("of many types in one file", async () => {
    const types = Array.from({ length: 300 }, (_, i) => `message M${i} { M${(i + 1) % 300} m = 1; enum E { Z = 0; } }`);
    const protos = { "many.proto": `syntax = "proto3"; ${types.join("\n")}` };
    const { files } = await generate(requestFor(protos, "messages=protobuf-es"));
    expect(messagesOf(files)).toEqual(byProtocGenEs(protos, protobufEsParameter(new Map(), "js")));
  });
});

describe("well-known types", () => {
  const protos = {
    "a.proto": `syntax = "proto3"; import "google/protobuf/empty.proto"; import "google/protobuf/type.proto";
      message M { google.protobuf.Type type = 1; }
      service S { rpc R(google.protobuf.Empty) returns (google.protobuf.Type); rpc Q(M) returns (google.protobuf.Empty); }`,
  };

  test("are of @bufbuild/protobuf, and are not generated, even where a compiler asks for them", async () => {
    const files = filesOf(compileProtos(protos));
    const all = ["a.proto", "google/protobuf/empty.proto", "google/protobuf/type.proto"];
    const responses = [["a.proto"], all].map((names) =>
      generate(encodeRequest({ generate: names, parameter: "messages=protobuf-es", files })),
    );
    const [one, more] = await Promise.all(responses);
    expect(one!.error).toBe("");
    expect([...one!.files.keys()]).toEqual(["a_grpc.ts", "a_pb.ts"]);
    expect(more!.files).toEqual(one!.files);
    expect(one!.files.get("a_grpc.ts")).toContain('import { EmptySchema, TypeSchema } from "@bufbuild/protobuf/wkt"');
  });
});

describe("a service file", () => {
  const protos = {
    "a/a.proto": `syntax = "proto3"; package a; import "b.proto"; service S { rpc R(b.B) returns (A); } message A {}`,
    "b.proto": `syntax = "proto3"; package b; message B {}`,
  };

  test("is the same with emit=services, and alone", async () => {
    const all = await generate(requestFor(protos, "messages=protobuf-es"));
    const services = await generate(requestFor(protos, "messages=protobuf-es,emit=services"));
    expect([...services.files]).toEqual([["a/a_grpc.ts", all.files.get("a/a_grpc.ts")]]);
  });

  test("takes whole messages only with requests=full", async () => {
    const { files } = await generate(requestFor(protos, "messages=protobuf-es,requests=full,import_extension=none"));
    const code = files.get("a/a_grpc.ts");
    expect(code).toContain("(request: B, options?: CallOptions) => Promise<A>");
    expect(code).toContain('from "../b_pb"');
    expect(code).not.toContain("MessageInitShape");
  });
});

test("an edition that the pinned protoc-gen-es does not know is refused, or left to a newer one", async () => {
  const [old] = filesOf(
    compileProtos({ "a.proto": 'edition = "2024"; message M { int32 a = 1; } service S { rpc R(M) returns (M); }' }),
  );
  // The last value of a field counts; field 14 is the edition, 1002 is 2026.
  const file = Buffer.concat([old!, Uint8Array.of(14 << 3, 0xea, 7)]);
  const request = (emit: string) =>
    encodeRequest({ generate: ["a.proto"], parameter: `messages=protobuf-es,emit=${emit}`, files: [file] });
  expect((await generate(request("all"))).error).toBe(
    "a.proto: uses edition 2026, which protoc-gen-es 2.13.0 does not know: use emit=services and run a newer protoc-gen-es by itself",
  );
  const { error, files } = await generate(request("services"));
  expect({ error, files: [...files.keys()] }).toEqual({ error: "", files: ["a_grpc.ts"] });
});

test("no compiler is loaded for messages", () => {
  const hook = `data:text/javascript,${encodeURIComponent(
    'import Module from "node:module"; import { writeSync } from "node:fs"; const load = Module._load;' +
      'Module._load = function (name, ...rest) { writeSync(2, name + "\\n"); return load.call(this, name, ...rest); };',
  )}`;
  const { stdout, stderr } = runPlugin(
    requestFor({ "a.proto": 'syntax = "proto3"; message M {}' }, "messages=protobuf-es"),
    {
      nodeOptions: ["--import", hook],
    },
  );
  expect([...decodeResponse(stdout).files.keys()]).toEqual(["a_pb.ts"]);
  expect(stderr).toContain("@bufbuild/protoplugin");
  expect(stderr).not.toMatch(/^typescript|^@typescript|ts-proto/m);
});
