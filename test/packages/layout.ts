/** A project whose proto imports one of an npm package, which has its messages already; and the package. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, tool } from "./project.js";

const money = `syntax = "proto3";
package acme.money.v1;
// An amount.
message Money {
  string currency = 1;
  int64 units = 2;
}
`;

const shop = `syntax = "proto3";
package shop.v1;
import "acme/money/v1/money.proto";
import "shop/v1/item.proto";
service Shop {
  rpc Price(Item) returns (acme.money.v1.Money);
}
`;

const item = `syntax = "proto3";
package shop.v1;
import "acme/money/v1/money.proto";
message Item {
  string name = 1;
  acme.money.v1.Money limit = 2;
  int64 number = 3;
}
`;

const program = `import { dial, Server } from "@trunkline/runtime";
import { inProcess } from "@trunkline/runtime/in-process";
import { registerShopServer, shopClient } from "./gen/shop/v1/index.js";

const server = new Server();
registerShopServer(server, { price: ({ limit }) => ({ currency: "CHF", units: (limit?.units ?? 0n) + 1n }) });
shopClient(dial("shop", { transport: inProcess(server) }))
  .price({ name: "pen", limit: { units: 41n } })
  .then(({ currency, units }) => console.log(currency, units));
`;

const compilerOptions = { target: "es2022", module: "nodenext", strict: true, types: ["node"], declaration: true };

function write(folder: string, files: { readonly [path: string]: string | object }): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}

/** Makes the package in the `node_modules` of `folder`, as its owners would: generated, compiled, with its protos. */
export function publishMoney(folder: string, messages: string): void {
  const work = mkdtempSync(join(folder, "money "));
  write(work, {
    "package.json": { name: "@acme/protos", version: "1.0.0", type: "module" },
    "proto/acme/money/v1/money.proto": money,
    "buf.gen.yaml": generation("gen", [`messages=${messages}`]),
    "tsconfig.json": { compilerOptions: { ...compilerOptions, rootDir: "gen", outDir: "dist" }, include: ["gen"] },
  });
  run(work, tool("@bufbuild/buf/bin/buf"), "generate", "proto");
  run(work, tool("typescript/bin/tsc"), "--typeRoots", tool("@types"));
  const published = join(folder, "node_modules/@acme/protos");
  cpSync(join(work, "dist"), published, { recursive: true });
  for (const part of ["package.json", "proto"]) cpSync(join(work, part), join(published, part), { recursive: true });
}

/** The project; the proto of the package is a module of its workspace, and not to be generated. */
export function shopProject(folder: string, options: readonly string[], managed = ""): string {
  const project = mkdtempSync(join(folder, "shop "));
  write(project, {
    "package.json": { type: "module" },
    "proto/shop/v1/shop.proto": shop,
    "proto/shop/v1/item.proto": item,
    "vendor/acme/money/v1/money.proto": money,
    "buf.yaml": "version: v2\nmodules:\n  - path: proto\n  - path: vendor\n",
    "buf.gen.yaml": `${generation("gen", options)}${managed}`,
    "main.ts": program,
    "tsconfig.json": {
      compilerOptions: { ...compilerOptions, rootDir: ".", outDir: "dist" },
      include: ["*.ts", "gen"],
    },
  });
  run(project, tool("@bufbuild/buf/bin/buf"), "generate", "proto");
  return project;
}

function generation(out: string, options: readonly string[]): string {
  return `version: v2\nplugins:\n  - local: protoc-gen-ts\n    out: ${out}\n    strategy: all\n    opt: ${JSON.stringify(options)}\n`;
}

/** Everything that buf's managed mode sets, most of it for other languages. */
export const managedMode = `managed:
  enabled: true
  override:
    - file_option: go_package_prefix
      value: example.com/gen
    - file_option: optimize_for
      value: CODE_SIZE
    - field_option: jstype
      value: JS_STRING
`;
