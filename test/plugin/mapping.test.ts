/** `M`: messages that somebody else has generated already. */
import { describe, expect, test } from "@jest/globals";
import { requestFor } from "./compile-protos.js";
import { generate, imports } from "./responses.js";

const protos = {
  "a/user.proto": `syntax = "proto3"; package a; import "lib/v1/one.proto"; import "lib/v1/deep/two.proto";
    import "google/protobuf/empty.proto";
    service User { rpc R(lib.One) returns (lib.Two); rpc Q(Own) returns (google.protobuf.Empty); }
    message Own { lib.One one = 1; lib.Two two = 2; }`,
  "lib/v1/one.proto": 'syntax = "proto3"; package lib; message One {}',
  "lib/v1/deep/two.proto": 'syntax = "proto3"; package lib; import "lib/v1/one.proto"; message Two { One one = 1; }',
};

/** Whence the service and the messages of a/user.proto import the two others. */
async function modules(parameter: string) {
  const { files, error } = await generate(requestFor(protos, parameter, ["a/user.proto"]));
  expect(error).toBe("");
  const specifiers = (name: string) =>
    [...new Set(imports(files.get(name) ?? ""))].filter((one) => /one|two|#/.test(one)).sort();
  const messages = parameter.startsWith("messages=protobuf-es") ? "a/user_pb.ts" : "a/user.ts";
  expect(specifiers(messages)).toEqual(specifiers("a/user_grpc.ts"));
  return { from: specifiers(messages), emitted: [...files.keys()].filter((name) => name.startsWith("lib/")) };
}

describe.each([
  ["ts-proto", ""],
  ["protobuf-es", "_pb"],
])("M with messages=%s", (library, suffix) => {
  const by = (options: string) => modules(`messages=${library},${options}`);

  test("of a proto", async () => {
    expect(await by("Mlib/v1/one.proto=@scope/one")).toEqual({
      from: [`../lib/v1/deep/two${suffix}.js`, "@scope/one"],
      emitted: [`lib/v1/deep/two${suffix}.ts`],
    });
  });

  test("of a prefix", async () => {
    expect(await by("Mlib/=@scope/protos/lib/")).toEqual({
      from: [`@scope/protos/lib/v1/deep/two${suffix}.js`, `@scope/protos/lib/v1/one${suffix}.js`],
      emitted: [],
    });
  });

  test("the longest match wins", async () => {
    expect((await by("Mlib/=@scope/x/,Mlib/v1/deep/=#deep/")).from).toEqual([
      `#deep/two${suffix}.js`,
      `@scope/x/v1/one${suffix}.js`,
    ]);
    expect((await by("Mlib/v1/=@scope/x/,Mlib/v1/one.proto=#one")).from).toEqual([
      "#one",
      `@scope/x/deep/two${suffix}.js`,
    ]);
  });

  test("names no extension where the user wants none, and that of packages where imports have .ts", async () => {
    expect((await by("Mlib/v1/=p/,import_extension=none")).from).toEqual([`p/deep/two${suffix}`, `p/one${suffix}`]);
    expect((await by("Mlib/v1/=p/,import_extension=ts")).from).toEqual([`p/deep/two${suffix}.js`, `p/one${suffix}.js`]);
  });

  test("is for services alone with emit=services", async () => {
    const parameter = `messages=${library},emit=services,Mlib/=p/`;
    const { files } = await generate(requestFor(protos, parameter, ["a/user.proto"]));
    expect([...files.keys()]).toEqual(["a/user_grpc.ts"]);
    expect(files.get("a/user_grpc.ts")).toContain(`from "p/v1/one${suffix}.js"`);
  });

  test.each([
    ["Mlib/v2/=p/", "option Mlib/v2/ maps no proto of this request: "],
    ["Mlib/v1/On.proto=p", "option Mlib/v1/On.proto maps no proto of this request: "],
  ])("that maps nothing is an error: %s", async (option, expected) => {
    const { error, files } = await generate(requestFor(protos, `messages=${library},${option}`));
    expect(error.startsWith(expected)).toBe(true);
    expect(error).not.toContain("\n");
    expect(files.size).toBe(0);
  });
});

test("well-known types stay those of @bufbuild/protobuf, unless one is mapped by its name", async () => {
  const of = async (option: string) => {
    const { files } = await generate(requestFor(protos, `messages=protobuf-es,${option}`, ["a/user.proto"]));
    return imports(files.get("a/user_grpc.ts") ?? "").filter((one) => /wkt|#/.test(one));
  };
  expect(await of("Mlib/=p/")).toContain("@bufbuild/protobuf/wkt");
  expect([...new Set(await of("Mgoogle/protobuf/empty.proto=#empty"))]).toEqual(["#empty"]);
});

test("DeepPartial comes from a generated file, not from a package's entry, which may lack it", async () => {
  const { files } = await generate(requestFor(protos, "Mlib/=p/", ["a/user.proto"]));
  expect(files.get("a/user_grpc.ts")).toMatch(/^import type \{ DeepPartial.* \} from "\.\/user\.js";$/m);
});
