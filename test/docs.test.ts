/** Every TypeScript example of docs/ type-checks, runs, and prints what stands below it. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { node } from "./node.js";

const folder = "test/tmp/docs";

interface Example {
  readonly name: string;
  readonly code: string;
  readonly output: string;
}

const examples: Example[] = readdirSync("docs")
  .filter((page) => page.endsWith(".md"))
  .flatMap((page) => {
    const blocks = readFileSync(`docs/${page}`, "utf8").matchAll(
      /```ts\n([\s\S]*?)```\n(?:\n```text\n([\s\S]*?)```)?/g,
    );
    return [...blocks].map(([, code, output = ""], i) => ({
      name: `${page.slice(0, -3)}-${i + 1}`,
      code: code!,
      output,
    }));
  });

/** The README's proto and server: what examples have round them. */
const readme = readFileSync("README.md", "utf8");
const fileOf = (name: string) =>
  readme
    .split(`<!-- file: ${name} -->`)[1]!
    .split("```")[1]!
    .replace(/^\w+\n/, "");

function program({ code }: Example): string {
  const isImport = (line: string) => /^import .* from /.test(line);
  const lines = code.split("\n");
  return `${lines.filter(isImport).join("\n")}
import { start } from "./start.js";
const { greeter, address, stop } = await start();
{
${lines.filter((line) => !isImport(line)).join("\n")}
}
await stop();
export { greeter, address };
`;
}

const start = `import { dial, Code, RpcError, Server } from "@trunkline/runtime";
import { greeterClient, registerGreeterServer, type GreeterClient } from "./gen/greeter_grpc.js";
export async function start(): Promise<{ greeter: GreeterClient; address: string; stop: () => Promise<void> }> {
${fileOf("server.ts")
  .replace(/[\s\S]*async function main\(\) \{/, "")
  .replace(/const \{ address \}[\s\S]*/, "")}
  const { address } = await server.listen("localhost:0");
  const channel = dial(address);
  return { greeter: greeterClient(channel), address, stop: async () => { await channel.close(); await server.shutdown(); } };
}
`;

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/gen`, { recursive: true });
  writeFileSync(`${folder}/greeter.proto`, fileOf("proto/greeter.proto"));
  const protoc = ["node_modules/protoc/protoc.cjs", "--plugin=protoc-gen-ts=plugin/bin/protoc-gen-ts.js", "-I", folder];
  node([...protoc, "--ts_opt=mock=on", `--ts_out=${folder}/gen`, "greeter.proto"]);
  writeFileSync(`${folder}/start.ts`, start);
  for (const example of examples) writeFileSync(`${folder}/${example.name}.ts`, program(example));
  const options = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
  writeFileSync(
    `${folder}/tsconfig.json`,
    JSON.stringify({ extends: "../../../tsconfig.base.json", compilerOptions: options, include: ["."] }),
  );
});

/** What each example prints: all are on their way, as many at a time as there are processors. */
const printed = new Map<string, Promise<string>>();

/** Without types, as `node` runs them: most of an example's time would go into a loader. */
function transpile(): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const { code } = transformSync(readFileSync(`${folder}/${file}`, "utf8"), { loader: "ts", target: "es2022" });
    mkdirSync(dirname(`${folder}/js/${file}`), { recursive: true });
    writeFileSync(`${folder}/js/${file.replace(/ts$/, "js")}`, code);
  }
}

function runAll(): void {
  const turns = Array.from({ length: availableParallelism() }, () => Promise.resolve());
  for (const [i, { name }] of examples.entries()) {
    const lane = i % turns.length;
    const run = turns[lane]!.then(async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [`${folder}/js/${name}.js`]);
      return stdout;
    });
    printed.set(name, run);
    turns[lane] = run.then(
      () => {},
      () => {}, // Its own test tells.
    );
  }
}

beforeAll(() => {
  transpile();
  runAll();
});

test("there are examples", () => expect(examples.length).toBeGreaterThan(5));

test("they type-check", () => {
  node(["node_modules/typescript/bin/tsc", "-p", folder]);
}, 60_000);

// The last of them waits for all that go before it.
test.each(examples)(
  "$name prints what it says",
  async ({ name, output }) => {
    expect(await printed.get(name)).toBe(output);
  },
  120_000,
);
