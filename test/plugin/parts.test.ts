/** What is emitted of services, and of which: the options `services`, `client`, `server`, `handlers`, `mock`, `index`. */
import { Node, Project, type SourceFile } from "ts-morph";
import { readExports } from "../../plugin/src/index-files.js";
import { readAll, requestFor, root } from "./compile-protos.js";
import { generate } from "./responses.js";

const protos = {
  "a/v1/a.proto": `syntax = "proto3"; package a.v1; import "a/v1/more.proto";
    service Greeter { rpc Hello(M) returns (More); }
    service Admin { rpc Stop(M) returns (stream M); }
    message M { enum Kind { NONE = 0; } }
    message GreeterClient {}`,
  "a/v1/more.proto": `syntax = "proto3"; package a.v1;
    message More { string text = 1; }
    service Extra { rpc All(More) returns (More); }`,
  "b/b.proto":
    'syntax = "proto3"; package b; import "a/v1/more.proto"; service B { rpc B(a.v1.More) returns (a.v1.More); }',
  "plain.proto": 'syntax = "proto3"; message Plain {}',
};

async function files(parameter: string, of: { readonly [path: string]: string } = protos) {
  const { files, error } = await generate(requestFor(of, parameter));
  expect(error).toBe("");
  return files;
}

/** What the modules of a response export, of those whose names end so. */
async function exported(parameter: string, suffix: string): Promise<string[]> {
  const found = [...(await files(parameter))].filter(([name]) => name.endsWith(suffix));
  return found.flatMap(([, content]) => readExports(content).map(({ name }) => name)).sort();
}

describe("services", () => {
  test.each([
    ["*", ["AdminDesc", "BDesc", "ExtraDesc", "GreeterDesc"]],
    ["a.v1.Greeter", ["GreeterDesc"]],
    ["a.v1.Greeter+b.B", ["BDesc", "GreeterDesc"]],
    ["a.*", ["AdminDesc", "ExtraDesc", "GreeterDesc"]],
    ["*r", ["GreeterDesc"]],
    ["a*.*r*", ["ExtraDesc", "GreeterDesc"]],
    ["a.v1.**", ["AdminDesc", "ExtraDesc", "GreeterDesc"]],
  ])("%s", async (patterns, expected) => {
    const all = await exported(`services=${patterns}`, "_grpc.ts");
    expect(all.filter((name) => name.endsWith("Desc"))).toEqual(expected);
  });

  test("leave messages as they are, and files without any out", async () => {
    expect([...(await files("services=b.B")).keys()]).toEqual([
      "b/b_grpc.ts",
      "a/v1/a.ts",
      "a/v1/more.ts",
      "b/b.ts",
      "plain.ts",
    ]);
  });

  test.each([
    ["a.v1.Greter", "option services: a.v1.Greter is no service of this request: did you mean a.v1.Greeter?"],
    ["greeter", /^option services: greeter is no service of this request: /],
    ["a.v1.Greeter+c.*", /^option services: c\.\* is no service of this request: .*strategy: all$/],
    // The dot is one, and what is left between two stars must be there in its order, without overlap.
    ["a?v1?Greeter", /^option services takes names/],
    ["aXv1*", /^option services: aXv1\* is no/],
    ["*Greeter*Greeter", /^option services: \*Greeter\*Greeter is no/],
    ["a.v1.Greeter*Greeter", /is no service/],
  ])("%s: an error", async (patterns, expected) => {
    const { error, files } = await generate(requestFor(protos, `services=${patterns}`));
    expect(error).toMatch(expected);
    expect(files.size).toBe(0);
  });

  test("a request without services has nothing to match", async () => {
    const { error } = await generate(requestFor({ "plain.proto": protos["plain.proto"] }, "services=*"));
    expect(error).toBe("");
  });
});

describe("parts of a service", () => {
  const client = ["GreeterClient", "greeterClient", "sharedGreeterClient"];
  const server = ["GreeterServer", "UnimplementedGreeterServer", "registerGreeterServer"];
  const of = (options: string) => exported(`services=a.v1.Greeter,emit=services,${options}`, "_grpc.ts");

  test.each([
    ["client=on", [...client, ...server, "greeterHandlers"]],
    ["client=off", [...server, "greeterHandlers"]],
    ["handlers=off", [...client, ...server]],
    ["server=off", client],
    ["client=off,server=off", []],
  ])("%s", async (options, expected) => {
    expect(await of(options)).toEqual([...expected, "GreeterDesc"].sort());
  });

  test("a file imports what is left of it, and no more", async () => {
    const content = (await files("services=a.v1.Greeter,emit=services,server=off")).get("a/v1/a_grpc.ts") ?? "";
    expect(content).not.toMatch(/Server|MessageSource|unimplemented|Handlers/);
  });

  test("mocks are in a file of their own", async () => {
    const all = await files("services=a.v1.*,emit=services,mock=on,import_extension=none");
    expect([...all.keys()]).toEqual(["a/v1/a_grpc.ts", "a/v1/a_mock.ts", "a/v1/more_grpc.ts", "a/v1/more_mock.ts"]);
    expect(all.get("a/v1/a_mock.ts")).toContain('import { AdminDesc, GreeterDesc } from "./a_grpc";\n');
    expect([...all.values()].join("")).not.toMatch(/_grpc\.ts|_mock/);
  });
});

describe("index=package", () => {
  test("exports all by name; what two files have is there under another", async () => {
    const all = await files("index=package");
    expect([...all.keys()].filter((name) => name.endsWith("index.ts"))).toEqual([
      "a/v1/index.ts",
      "b/index.ts",
      "index.ts",
    ]);
    expect(all.get("a/v1/index.ts")).toBe(`\
// Generated by protoc-gen-ts (Trunkline): all that is generated from this directory. Do not edit.
/* eslint-disable */

export { M, M_Kind, m_KindFromJSON, m_KindToJSON, GreeterClient } from "./a.js";
export { More } from "./more.js";
export { greeterClient, sharedGreeterClient, UnimplementedGreeterServer, registerGreeterServer, greeterHandlers, GreeterDesc, adminClient, sharedAdminClient, UnimplementedAdminServer, registerAdminServer, adminHandlers, AdminDesc } from "./a_grpc.js";
export type { GreeterClient as GreeterClient$1, GreeterServer, AdminClient, AdminServer } from "./a_grpc.js";
export { extraClient, sharedExtraClient, UnimplementedExtraServer, registerExtraServer, extraHandlers, ExtraDesc } from "./more_grpc.js";
export type { ExtraClient, ExtraServer } from "./more_grpc.js";
`);
    expect(all.get("index.ts")).toMatch(/^export \{ Plain \} from ".\/plain.js";$/m);
  });

  test("has nothing of files that are only imported, nor mocks, nor what others emit", async () => {
    const { files } = await generate(requestFor(protos, "index=package,mock=on", ["b/b.proto"]));
    expect([...files.keys()]).toEqual(["b/b_grpc.ts", "b/b_mock.ts", "a/v1/more.ts", "b/b.ts", "b/index.ts"]);
    expect(files.get("b/index.ts")).not.toMatch(/mock|\.\/b\.js/);
    const services = await generate(requestFor(protos, "index=package,emit=services", ["plain.proto"]));
    expect(services.files.get("index.ts")).toMatch(/\n\nexport \{\};\n$/);
  });

  test("is the same however a compiler splits the request", async () => {
    const whole = await files("index=package");
    for (const directory of [["a/v1/more.proto", "a/v1/a.proto"], ["b/b.proto"], ["plain.proto"]]) {
      const { files } = await generate(requestFor(protos, "index=package", directory));
      for (const [name, content] of files) expect([name, content]).toEqual([name, whole.get(name)]);
    }
  });

  test("a proto that would be an index is refused", async () => {
    const { error } = await generate(requestFor({ "a/index.proto": protos["plain.proto"] }, "index=package"));
    expect(error).toBe("a/index.ts: is the output of a/index.proto and of index=package: rename one of the protos");
  });

  test("exports are found as a parser finds them, in every golden file", () => {
    const project = new Project({ skipAddingFilesFromTsConfig: true, useInMemoryFileSystem: true });
    const golden = Object.entries(readAll(`${root}fixtures/golden`, ".ts"));
    expect(golden.length).toBeGreaterThan(50);
    for (const [name, content] of golden.filter(([name]) => !name.endsWith("index.ts"))) {
      expect([name, readExports(content)]).toEqual([name, parsedExports(project.createSourceFile(name, content))]);
    }
  });
});

function parsedExports(source: SourceFile): ReturnType<typeof readExports> {
  const isType = new Map<string, boolean>();
  for (const statement of source.getStatements()) {
    if (!Node.isExportable(statement) && !Node.isVariableStatement(statement)) continue;
    if (!statement.isExported()) continue;
    const declared = Node.isVariableStatement(statement) ? statement.getDeclarations() : [statement];
    const onlyType = Node.isInterfaceDeclaration(statement) || Node.isTypeAliasDeclaration(statement);
    for (const one of declared) {
      const name = Node.hasName(one) || Node.isNameable(one) ? one.getName() : undefined;
      if (name !== undefined) isType.set(name, onlyType && (isType.get(name) ?? true));
    }
  }
  return [...isType].map(([name, isType]) => ({ name, isType }));
}
