/** `descriptors=embed`: what service files carry of their descriptors, whoever compiles them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { parseOptions } from "../../plugin/src/options.js";
import { node } from "../node.js";
import { compileProtos, encodeRequest, filesOf, protoc, readAll, requestFor, root } from "./compile-protos.js";
import { load, newFolder, removeGenerated, writeGenerated } from "./configured.js";
import { realEntries, realProtos } from "./real-protos.js";
import { generate, type Response } from "./responses.js";

afterAll(removeGenerated);

const protos = readAll(join(root, "fixtures/proto"), ".proto");
const protosForProtobufEs = { ...protos, ...readAll(join(root, "fixtures/proto-es"), ".proto") };
const greeterFile = "greeter/v1/greeter_grpc.ts";

const line = /^const descriptorSet: string = "(.*)";\n/m;

/** The text in base64 that a service file carries. */
function embeddedIn(content: string | undefined): string {
  return line.exec(content ?? "")?.[1] ?? "";
}

function decoded(content: string | undefined): FileDescriptorProto[] {
  return fromBinary(FileDescriptorSetSchema, Buffer.from(embeddedIn(content), "base64")).file;
}

const names = (content: string | undefined) => decoded(content).map(({ name }) => name);

/** The service files of a response. */
function servicesOf({ files, error }: Response): Map<string, string> {
  expect(error).toBe("");
  return new Map([...files].filter(([name]) => name.endsWith("_grpc.ts")));
}

describe("the option", () => {
  test("is off unless it is given", () => {
    expect(parseOptions("").descriptors).toBe("none");
    expect(parseOptions("descriptors=none").descriptors).toBe("none");
    expect(parseOptions("descriptors=embed").descriptors).toBe("embed");
  });

  test.each([
    ["descriptors", "option descriptors has no value: write descriptors=none|embed"],
    ["descriptors=all", 'option descriptors has no value "all": write descriptors=none|embed'],
    ["descriptor=embed", "there is no option descriptor: did you mean descriptors?"],
  ])("%s is an error", (parameter, message) => {
    expect(() => parseOptions(parameter)).toThrow(message);
  });

  test("off, not a byte of the output changes", async () => {
    const [without, off] = await Promise.all(["", "descriptors=none"].map((one) => generate(requestFor(protos, one))));
    expect(off).toEqual(without);
    expect([...off!.files.values()].some((content) => content.includes("const descriptorSet: string"))).toBe(false);
  });
});

describe("the output", () => {
  test("is what it is without, and three things more", async () => {
    const greeter = Object.fromEntries(Object.entries(protos).filter(([name]) => name.startsWith("greeter/")));
    const plain = servicesOf(await generate(requestFor(greeter))).get(greeterFile)!;
    const content = servicesOf(await generate(requestFor(greeter, "descriptors=embed"))).get(greeterFile)!;
    const tied = ["Greeter", "OldGreeter", "SilentGreeter"].map((name) => {
      const lower = `${name[0]?.toLowerCase()}${name.slice(1)}`;
      return `
/** The table with the descriptors of its file: what servers that have the service show to tools by reflection. */
export const ${lower}Descriptors: Required<Pick<ServiceDesc, "descriptorSet">> = Object.assign(${name}Desc, {
  descriptorSet: descriptorSet,
});
`;
    });
    expect(tied.every((text) => content.includes(text))).toBe(true);
    const rest = tied
      .reduce((text, one) => text.replace(one, ""), content)
      .replace(/\n\/\*\* This file and all that it imports: .* \*\/\n/, "")
      .replace(line, "")
      .replace(" ServiceDesc,", "");
    expect(rest).toBe(plain);
    expect(names(content)).toEqual(["greeter/v1/mood.proto", "greeter/v1/greeter.proto"]);
  });

  test("messages that are called like something in it get an alias", async () => {
    const clashing = {
      "clash.proto": `syntax = "proto3"; package clash;
        message descriptorSet {} message Required {} message Pick {} message xDescriptors {}
        service X { rpc A(descriptorSet) returns (Required); rpc B(Pick) returns (Required); rpc C(xDescriptors) returns (Pick); }`,
    };
    const response = await generate(requestFor(clashing, "descriptors=embed,messages=protobuf-es"));
    const content = servicesOf(response).get("clash_grpc.ts")!;
    for (const name of ["descriptorSet", "Required", "Pick", "xDescriptors"]) {
      expect(content).toContain(`${name} as ${name}$1`);
    }
    const table = (await load(writeGenerated(response), "clash_grpc.ts")).XDesc;
    expect(table).toMatchObject({ serviceName: "clash.X", descriptorSet: embeddedIn(content) });
  });

  test.each(["ts-proto", "protobuf-es"])(
    "passes tsc with all flags with messages=%s",
    async (messages) => {
      const all = messages === "ts-proto" ? protos : protosForProtobufEs;
      const folder = writeGenerated(await generate(requestFor(all, `messages=${messages},descriptors=embed`)));
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({
          extends: join(root, "tsconfig.base.json"),
          compilerOptions: {
            ...{ noEmit: true, declaration: true, isolatedDeclarations: true, noUnusedParameters: false },
            ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")] },
            paths: {
              "@trunkline/runtime": [join(root, "runtime/src/index.ts")],
              "@trunkline/runtime/*": [join(root, "runtime/src/*.ts")],
            },
          },
          include: ["."],
        }),
      );
      expect(node([join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { timeout: 120_000 })).toBe("");
    },
    120_000,
  );
});

describe("the descriptors", () => {
  test.each(["ts-proto", "protobuf-es"])(
    "are complete, in the order of their imports, without comments: messages=%s",
    async (messages) => {
      const services = servicesOf(await generate(requestFor(protos, `messages=${messages},descriptors=embed`)));
      expect(services.size).toBeGreaterThan(5);
      for (const [path, content] of services) {
        const files = decoded(content);
        const before = new Set<string>();
        for (const { name, dependency, sourceCodeInfo } of files) {
          expect(dependency.filter((one) => !before.has(one))).toEqual([]);
          expect(before.has(name)).toBe(false);
          expect(sourceCodeInfo).toBeUndefined();
          before.add(name);
        }
        expect(files.at(-1)?.name).toBe(path.replace("_grpc.ts", ".proto"));
        // Nothing that is not needed: all but the last are imported by some other.
        const imported = new Set(files.flatMap(({ dependency }) => dependency));
        expect(files.slice(0, -1).filter(({ name }) => !imported.has(name))).toEqual([]);
      }
    },
  );

  test("are the same in any order of files, for one file or all, with any messages, mapped ones among them", async () => {
    const request = (parameter: string, generated: readonly string[], files: readonly Uint8Array[]) =>
      generate(encodeRequest({ generate: generated, parameter: `descriptors=embed,${parameter}`, files }));
    const files = filesOf(compileProtos(protos));
    const all = Object.keys(protos);
    const expected = [...servicesOf(await request("", all, files))].map(([name, text]) => [name, embeddedIn(text)]);
    const others = await Promise.all([
      request("", [...all].reverse(), [...files].reverse()),
      request("emit=services", all, files),
      request("messages=protobuf-es", all, files),
      request("Mnested/=@scope/nested/", all, files),
    ]);
    for (const other of others) {
      expect([...servicesOf(other)].map(([name, text]) => [name, embeddedIn(text)])).toEqual(expected);
    }
    const one = servicesOf(await request("", ["greeter/v1/greeter.proto"], files));
    expect([...one].map(([name, text]) => [name, embeddedIn(text)])).toEqual(
      expected.filter(([name]) => name === greeterFile),
    );
  });

  test("of Google's services are whole", async () => {
    const request = requestFor(realProtos(), "descriptors=embed,emit=services", [...realEntries]);
    const services = servicesOf(await generate(request));
    expect(services.size).toBe(realEntries.length);
    for (const entry of realEntries) {
      const files = names(services.get(entry.replace(".proto", "_grpc.ts")));
      expect(files.at(-1)).toBe(entry);
      expect(files).toContain("google/protobuf/descriptor.proto");
      expect(files).toContain("google/api/http.proto");
    }
  });
});

describe("compilers", () => {
  const options = {
    "a/options.proto": `edition = "2023"; package a; import "google/protobuf/descriptor.proto";
      extend google.protobuf.MessageOptions {
        string seen = 50001; string unseen = 50002 [retention = RETENTION_SOURCE]; repeated int32 numbers = 50003;
      }`,
    "a/message.proto": `edition = "2023"; package a; import "a/options.proto";
      // A comment.
      message M { option (unseen) = "x"; option (numbers) = 2; option (seen) = "y"; option (numbers) = 1; int32 n = 1; }`,
    "b/service.proto": `syntax = "proto3"; package b; import "a/message.proto"; import "google/protobuf/empty.proto";
      service S { rpc Do(a.M) returns (google.protobuf.Empty); }`,
  };
  let folder: string;
  let plugin: string;

  beforeAll(async () => {
    folder = newFolder();
    plugin = join(newFolder(), "protoc-gen-ts.mjs");
    for (const [path, text] of Object.entries(options)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    // The plugin of these sources; the built one may be older.
    await build({
      stdin: {
        contents: `import { main } from "./plugin/src/main.ts"; await main();`,
        resolveDir: root,
      },
      outfile: plugin,
      banner: { js: "#!/usr/bin/env node" },
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
    });
  });

  test("make the same: protoc, buf by directory, buf at once", () => {
    const out = (name: string) => {
      mkdirSync(join(folder, name));
      return join(folder, name);
    };
    const parameter = "descriptors=embed,emit=services";
    const started = [`--plugin=protoc-gen-ts=${wrapper()}`, `--ts_out=${out("protoc")}`, `--ts_opt=${parameter}`];
    protoc(["-I.", ...started, ...Object.keys(options)], folder);
    for (const strategy of ["directory", "all"]) {
      const template = {
        version: "v2",
        plugins: [{ local: ["node", plugin], out: out(strategy), opt: parameter.split(","), strategy }],
      };
      const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");
      const args = [buf, "generate", "--template", JSON.stringify(template), "--path", "a", "--path", "b"];
      const { stderr, status } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
      expect([stderr, status]).toEqual(["", 0]);
    }
    const made = ["protoc", "directory", "all"].map((name) =>
      readFileSync(join(folder, name, "b/service_grpc.ts"), "utf8"),
    );
    expect(made[1]).toBe(made[0]);
    expect(made[2]).toBe(made[0]);
    expect(names(made[0])).toEqual([
      ...["google/protobuf/descriptor.proto", "a/options.proto", "a/message.proto", "google/protobuf/empty.proto"],
      "b/service.proto",
    ]);
    const bytes = Buffer.from(embeddedIn(made[0]), "base64").toString("latin1");
    expect(bytes).not.toContain("A comment");
  });

  /** protoc runs a program, not a script. */
  function wrapper(): string {
    const path = join(folder, "protoc-gen-ts");
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${plugin}"\n`, { mode: 0o755 });
    return path;
  }

  test("what is bundled keeps them where the service is used, and only there", async () => {
    const bundled = writeGenerated(await generate(requestFor(protos, "descriptors=embed")));
    writeFileSync(join(bundled, "package.json"), '{ "type": "module", "sideEffects": false }');
    const bundle = async (contents: string) => {
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: bundled, loader: "ts" },
        ...{ bundle: true, write: false, minify: true, format: "esm", platform: "node", packages: "external" },
      });
      return outputFiles[0]!.text;
    };
    const set = embeddedIn(readFileSync(join(bundled, greeterFile), "utf8"));
    expect(set.length).toBeGreaterThan(1000);
    const from = JSON.stringify(`./${greeterFile.replace(".ts", ".js")}`);
    expect(await bundle(`export { registerGreeterServer } from ${from}`)).toContain(set);
    expect(await bundle(`import ${from}; console.log(1)`)).not.toContain(set);
    expect(
      await bundle(`import type { GreeterServer } from ${from}; export const x: GreeterServer[] = []`),
    ).not.toContain(set);
  });
});
