import { createRequire } from "node:module";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import { tsProtoParameter } from "../../plugin/src/messages/ts-proto/options.js";
import {
  compileProtos,
  encodeRequest,
  filesOf,
  inDirectoryOf,
  type Protos,
  protoc,
  readAll,
  root,
} from "./compile-protos.js";
import { generate } from "./responses.js";

const require = createRequire(import.meta.url);
// The formatter of ts-proto, with the settings of ts-proto (ts-poet/build/Code.js), from where ts-poet finds it.
const dprint = createRequire(require.resolve("ts-poet"))("dprint-node") as {
  format(path: string, source: string, options: object): string;
};
const style = {
  useTabs: false,
  useBraces: "always",
  singleBodyPosition: "nextLine",
  "arrowFunction.useParentheses": "force",
  "module.sortImportDeclarations": "caseSensitive",
  lineWidth: 120,
  preferSingleLine: true,
};

/** What ts-proto's own plugin makes of all of `protos` and their imports. */
function byTsProto(protos: Protos, parameter: string): Map<string, string> {
  return inDirectoryOf(protos, (directory) => {
    const plugin = join(root, "node_modules/ts-proto/protoc-gen-ts_proto");
    const args = [`--plugin=protoc-gen-ts_proto=${plugin}`, "--ts_proto_out=.", `--ts_proto_opt=${parameter}`];
    protoc(["-I.", ...args, ...Object.keys(protos)], directory);
    return new Map(Object.entries(readAll(directory, ".ts")));
  });
}

/** The first field of a FileDescriptorProto. */
function nameOf(file: Uint8Array): string {
  const reader = new BinaryReader(file);
  reader.tag();
  return reader.string();
}

async function expectSame(protos: Protos, options: string): Promise<void> {
  const given = new Map(options === "" ? [] : options.split(",").map((one) => one.split("=") as [string, string]));
  const expected = byTsProto(protos, tsProtoParameter(given, ".js"));
  const parameter = [...given].map(([name, value]) => `ts_proto.${name}=${value}`).join();
  // ts-proto emits whatever is imported; here that is what is asked for.
  const all = filesOf(compileProtos(protos));
  const { files, error } = await generate(encodeRequest({ generate: all.map(nameOf), parameter, files: all }));
  expect(error).toBe("");
  const messages = [...files].filter(([name]) => !name.endsWith("_grpc.ts"));
  expect(messages.map(([name]) => name).sort()).toEqual([...expected.keys()].sort());
  for (const [name, content] of messages) {
    expect(`// ${name}\n${dprint.format("file.ts", content, style)}`).toBe(`// ${name}\n${expected.get(name)}`);
  }
}

describe("messages are the program that ts-proto's own plugin makes", () => {
  const fixtures = readAll(join(root, "fixtures/proto"), ".proto");

  test("of all fixtures", () => expectSame(fixtures, ""));

  test.each([
    ["forceLong=long,useOptionals=all,oneof=unions,env=node"],
    ["useDate=true,stringEnums=true,snakeToCamel=false,unknownFields=true,outputExtensions=true"],
    ["useMapType=true,useReadonlyTypes=true,outputTypeAnnotations=true,useAsyncIterable=true,comments=false"],
    ["typePrefix=T,messageSuffix=M,enumPrefix=E,useSnakeTypeName=false,fileSuffix=.pb,enumsAsLiterals=true"],
    ["outputSchema=true,useNullAsOptional=true,outputJsonMethods=false,noDefaultsForOptionals=true"],
  ])("of all fixtures with %s", (options) => expectSame(fixtures, options));

  test("of descriptor.proto", () =>
    expectSame({ "a.proto": 'syntax = "proto2"; import "google/protobuf/descriptor.proto";' }, ""));

  test("of comments in every place", () =>
    expectSame(
      {
        "a.proto": `// licence

          // file
          syntax = "proto3"; // trailing
          /* of the package */
          package a;
          /** javadoc of M
           *   indented {
           */
          message M { // trailing of M
            // detached

            // a \`tick\` and a "quote" ${"$"}{hole}
            string a = 1; // trailing of a
            /* block */
            oneof o { // of o
              // of b
              string b = 2; // trailing of b
            }
            string /* inside */ c = 3;
            // of N
            message N { /* of nothing */ }
            // of E
            enum E {
              // of ZERO
              ZERO = 0; // trailing of ZERO
            }
          }`,
      },
      "",
    ));
});
