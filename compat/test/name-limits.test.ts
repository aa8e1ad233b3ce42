/**
 * The evidence for messages/*\/name-limits.ts: what words do, as names of messages, enums, values and services, to the
 * code of a library. Words are those of JavaScript and TypeScript, and all that its own code has.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import { protobufEsParameter } from "../../plugin/src/messages/protobuf-es/options.js";
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
} from "../../test/plugin/compile-protos.js";
import { generate } from "../../test/plugin/responses.js";

const tmp = join(root, "test/tmp");
mkdirSync(tmp, { recursive: true });
// Inside of the repository, so that what is generated finds @bufbuild/protobuf.
const directory = mkdtempSync(join(tmp, "names "));
afterAll(() => rmSync(directory, { recursive: true }));

const words = [
  ..."arguments await break case catch class const continue debugger default delete do else enum eval export".split(
    " ",
  ),
  ..."extends false finally for function if implements import in instanceof interface let new null package".split(" "),
  ..."private protected public return static super switch this throw true try typeof undefined var void".split(" "),
  ..."while with yield any as asserts async bigint boolean constructor declare from get global infer is keyof".split(
    " ",
  ),
  ..."module namespace never number object of override readonly satisfies set string symbol type unique".split(" "),
  ..."unknown using _ __ _1 __proto__ then toString valueOf hasOwnProperty Infinity NaN UNRECOGNIZED".split(" "),
];

/** A message whose fields are of all shapes, and of its own type where they are messages. */
const message = (word: string) => `message ${word} {
  string s = 1; int64 l = 2; repeated bytes bs = 3; map<string, .p.${word}> m = 4; .p.${word} self = 5;
  repeated .p.${word} list = 6; oneof one { bool yes = 7; .p.${word} other = 8; } double d = 9; repeated uint64 p = 10; }`;

const places: { readonly [place: string]: (word: string) => string } = {
  message,
  enum: (word) =>
    `enum ${word} { Z_ZERO = 0; Z_ONE = 1; } message User_ { .p.${word} e = 1; repeated .p.${word} list = 2; map<string, .p.${word}> m = 3; }`,
  value: (word) => `enum Enum_ { ${word} = 0; } message User_ { .p.Enum_ e = 1; }`,
  service: (word) => `message User_ {} service ${word} { rpc Get(.p.User_) returns (.p.User_); }`,
  oneof: (word) => `message User_ { oneof ${word} { string first_one = 1; .p.User_ other_one = 2; } }`,
};

/** One proto for each word in each place: its path to its text. */
function protosOf(all: readonly string[]): Protos {
  // Words of the library's own code are about its types. Services and oneofs clash with few, so that few do for them.
  const few = words.filter((word, i) => i % 8 === 0 || /^(arguments|await|eval|_.*)$/.test(word));
  const wordsIn: { readonly [place: string]: readonly string[] } = { message: all, enum: all, value: words };
  return Object.fromEntries(
    Object.entries(places).flatMap(([place, text]) =>
      (wordsIn[place] ?? few).map((word) => {
        const i = all.indexOf(word);
        const packageName = `p.${place}${i}`;
        const types = text(word).replaceAll(".p.", `.${packageName}.`);
        return [`${place}/${word}/n${i}.proto`, `syntax = "proto3"; package ${packageName};\n${types}`];
      }),
    ),
  );
}

/** Identifiers in what the library makes of a message of all shapes. */
async function wordsOfLibrary(library: string): Promise<string[]> {
  const protos = { "w.proto": `syntax = "proto3"; package p; ${places.enum?.("Enum_")} ${message("Message_")}` };
  const files = filesOf(compileProtos(protos));
  const { files: made } = await generate(
    encodeRequest({ generate: ["w.proto"], parameter: `messages=${library}`, files }),
  );
  const text = [...made.values()].join("\n").replace(/\/\*[\s\S]*?\*\/|"[^"\n]*"|'[^'\n]*'/g, "");
  return [...new Set(text.match(/[A-Za-z_]\w*/g))].filter((word) => !/Message_|Enum_|User_|^Z_/.test(word));
}

/** Names of the protos whose modules tsc has something against. It tells of types only where all of it can be parsed. */
function broken(files: Protos): Set<string> {
  const folder = mkdtempSync(join(directory, "checked "));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const compilerOptions = {
    noEmit: true,
    isolatedDeclarations: true,
    declaration: true,
    noUnusedParameters: false,
    noUnusedLocals: false,
    // Words in upper and in lower case have folders beside each other.
    forceConsistentCasingInFileNames: false,
    paths: {
      "@trunkline/runtime": ["../../../../runtime/src/index.ts"],
      "@trunkline/runtime/*": ["../../../../runtime/src/*.ts"],
    },
  };
  const config = { extends: "../../../../tsconfig.base.json", compilerOptions, include: ["."] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const found = new Set<string>();
  for (;;) {
    const tsc = ["node_modules/typescript/bin/tsc", "-p", folder, "--pretty", "false"];
    const { stdout, status } = spawnSync(process.execPath, tsc, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
    const names = [...stdout.matchAll(/^.*checked [^/]*\/(.*?)(?:_grpc|_pb)?\.ts\(\d+,\d+\): error/gm)].map(
      (m) => m[1]!,
    );
    if (status === 0 || stdout.includes("TS18003: No inputs were found")) return found;
    if (names.length === 0) throw new Error(stdout);
    for (const name of new Set(names)) {
      found.add(name);
      for (const suffix of [".ts", "_pb.ts", "_grpc.ts"]) rmSync(join(folder, name + suffix), { force: true });
    }
  }
}

describe.each([
  ["ts-proto", join(root, "node_modules/ts-proto/protoc-gen-ts_proto"), tsProtoParameter(new Map(), ".js")],
  [
    "protobuf-es",
    join(root, "node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es"),
    protobufEsParameter(new Map(), "js"),
  ],
])("with messages=%s", (library, plugin, parameter) => {
  test("a name is refused, with the word, exactly where the library's own plugin makes no working code of it", async () => {
    const all = [...new Set([...words, ...(await wordsOfLibrary(library))])];
    expect(all.length).toBeGreaterThan(120);
    const protos = protosOf(all);
    const accepted: { [name: string]: string } = {};
    const refused: string[] = [];
    for (const file of filesOf(compileProtos(protos))) {
      const name = new TextDecoder().decode(file.subarray(2, 2 + file[1]!));
      const { error, files } = await generate(
        encodeRequest({ generate: [name], parameter: `messages=${library}`, files: [file] }),
      );
      if (error === "") for (const [path, content] of files) accepted[path] = content;
      else {
        expect(error).toMatch(new RegExp(`^${name}: p\\.\\S+: .*: rename it`));
        refused.push(name.replace(/\.proto$/, ""));
      }
    }
    expect([...broken(accepted)]).toEqual([]);

    const theirs = inDirectoryOf(protos, (at) => {
      const names = refused.map((name) => `${name}.proto`);
      protoc(["-I.", `--plugin=protoc-gen-x=${plugin}`, "--x_out=.", `--x_opt=${parameter}`, ...names], at);
      return readAll(at, ".ts");
    });
    const needless = new Set(refused);
    for (const name of broken(theirs)) needless.delete(name);
    const at = (place: string, ...some: string[]) => some.map((word) => `${place}/${word}/n${all.indexOf(word)}`);
    const known = [
      // Of type any to tsc; what happens when they are called is the next test.
      ...at("message", "obj", "previousRecursionDepth"),
      // It compiles, and is no value of the object.
      ...at("value", "__proto__"),
      // This message has no field for which the module would have them.
      ...at("enum", "BigInt", "base64FromBytes", "bytesFromBase64", "floatToJson"),
    ];
    expect([...needless].sort()).toEqual(library === "ts-proto" ? known.sort() : []);
  }, 240_000);
});

test("a message called like a variable of type any of ts-proto's is refused for what that does when it runs", async () => {
  for (const [word, call] of [
    ["previousRecursionDepth", (codec: Codec) => codec.decode(Uint8Array.of(42, 0))],
    ["obj", (codec: Codec) => codec.toJSON({ l: 0n, list: [], p: [], bs: [], m: {}, self: {} })],
  ] as const) {
    const made = inDirectoryOf({ "m.proto": `syntax = "proto3"; package p; ${message(word)}` }, (at) => {
      const plugin = join(root, "node_modules/ts-proto/protoc-gen-ts_proto");
      const options = tsProtoParameter(new Map(), ".js");
      protoc(["-I.", `--plugin=protoc-gen-x=${plugin}`, "--x_out=.", `--x_opt=${options}`, "m.proto"], at);
      return readAll(at, ".ts")["m.ts"]!;
    });
    const path = join(mkdtempSync(join(directory, "m-")), "m.ts");
    writeFileSync(path, made);
    const module = (await import(pathToFileURL(path).href)) as { readonly [name: string]: Codec };
    expect(() => call(module[word]!)).toThrow("is not a function");
  }
});

interface Codec {
  decode(bytes: Uint8Array): unknown;
  toJSON(message: object): unknown;
}
