/** Every supported TypeScript takes what is emitted and the declarations of the runtime, in every way to resolve modules. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { installPacked, readmeProject, run, tool } from "../../test/packages/project.js";

/**
 * Each with the flags that it knows. Declarations of @bufbuild/protobuf want TypeScript 5.7 (`Uint8Array<ArrayBuffer>`),
 * so an older one has to skip the check of libraries.
 */
const compilers = [
  { version: "5.4", path: resolve("compat/node_modules/typescript-5.4/bin/tsc"), flags: ["skipLibCheck"] },
  {
    version: "5.9",
    path: resolve("compat/node_modules/typescript-5.9/bin/tsc"),
    flags: ["isolatedDeclarations", "erasableSyntaxOnly"],
  },
  {
    version: "6",
    path: resolve("compat/node_modules/typescript-6/bin/tsc"),
    flags: ["isolatedDeclarations", "erasableSyntaxOnly"],
  },
  { version: "7", path: tool("typescript/bin/tsc"), flags: ["isolatedDeclarations", "erasableSyntaxOnly"] },
];

const strictest = [
  "strict",
  "exactOptionalPropertyTypes",
  "noUncheckedIndexedAccess",
  "isolatedModules",
  "declaration",
];

let folder: string;
beforeAll(() => {
  folder = installPacked();
});
afterAll(() => rmSync(folder, { recursive: true }));

function check(project: string, compiler: string, compilerOptions: object): void {
  const common = { target: "es2022", noEmit: true, types: ["node"], typeRoots: [tool("@types")] };
  const config = { compilerOptions: { ...common, ...compilerOptions }, include: ["**/*.ts"] };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  run(project, compiler, "-p", "tsconfig.json");
}

/** Uses every module that the runtime exports, but for those that need a package which the application brings. */
function everything(): string {
  const runtime = join(folder, "node_modules/@trunkline/runtime");
  const { exports } = JSON.parse(readFileSync(join(runtime, "package.json"), "utf8")) as { exports: object };
  const needsPeer = ["metrics-otel", "metrics-prometheus", "protovalidate", "tracing"];
  const interceptors = readdirSync(join(runtime, "dist/cjs/interceptors"))
    .filter((file) => file.endsWith(".d.ts"))
    .map((file) => file.replace(".d.ts", ""))
    .filter((name) => !needsPeer.includes(name))
    .map((name) => `./interceptors/${name}`);
  const modules = [...Object.keys(exports).filter((path) => !/\*|package\.json/.test(path)), ...interceptors];
  const imports = modules.map((path, i) => `import * as m${i} from "@trunkline/runtime${path.slice(1)}";`);
  return `${imports.join("\n")}\nexport const all: object[] = [${modules.map((_, i) => `m${i}`).join(", ")}];\n`;
}

const resolutions = [
  { name: "node16, ES module", type: "module", options: { module: "node16", verbatimModuleSyntax: true } },
  { name: "node16, CommonJS", type: "commonjs", options: { module: "node16" } },
  { name: "nodenext, ES module", type: "module", options: { module: "nodenext", verbatimModuleSyntax: true } },
  { name: "nodenext, CommonJS", type: "commonjs", options: { module: "nodenext" } },
  {
    name: "bundler",
    type: "module",
    options: { module: "esnext", moduleResolution: "bundler", verbatimModuleSyntax: true },
  },
];

describe.each(compilers)("TypeScript $version", ({ path, flags }) => {
  const strict = Object.fromEntries([...strictest, ...flags].map((flag) => [flag, true]));

  test.each(resolutions)("takes the README's project: $name", ({ type, options }) => {
    const project = readmeProject(folder, { type });
    run(project, tool("@bufbuild/buf/bin/buf"), "generate", "proto");
    writeFileSync(join(project, "everything.ts"), everything());
    check(project, path, { ...strict, ...options });
  });

  test.each(["ts-proto", "protobuf-es"])(
    "takes all that Pub/Sub, Spanner, Firestore and long-running operations need, with messages of %s",
    (messages) => {
      const project = mkdtempSync(join(folder, "real "));
      writeFileSync(join(project, "package.json"), '{"type":"module"}');
      mkdirSync(join(project, "gen"));
      const plugin = `--plugin=protoc-gen-ts=${join(folder, "node_modules/.bin/protoc-gen-ts")}`;
      const protos = [
        "google/pubsub/v1/pubsub.proto",
        "google/spanner/v1/spanner.proto",
        "google/firestore/v1/firestore.proto",
        "google/longrunning/operations.proto",
      ];
      const out = ["--ts_out=gen", `--ts_opt=messages=${messages}`];
      run(project, tool("protoc/protoc.cjs"), plugin, "-I", tool("google-proto-files"), ...out, ...protos);
      check(project, path, { ...strict, module: "nodenext", verbatimModuleSyntax: true, skipLibCheck: true });
    },
  );
});
