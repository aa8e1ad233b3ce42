import { readFileSync } from "node:fs";
import { Project } from "ts-morph";
import { emitClient } from "../../plugin/src/emitters/client.js";
import { emitClientDesc } from "../../plugin/src/emitters/client-desc.js";
import { emitDescriptors } from "../../plugin/src/emitters/descriptors.js";
import { emitHandlers } from "../../plugin/src/emitters/handlers.js";
import type { MethodScope, ServiceScope } from "../../plugin/src/emitters/holes.js";
import { emitMock } from "../../plugin/src/emitters/mock.js";
import { emitOptions } from "../../plugin/src/emitters/options.js";
import { emitServer } from "../../plugin/src/emitters/server.js";
import { emitServiceDesc } from "../../plugin/src/emitters/service-desc.js";
import { Printer } from "../../plugin/src/printer.js";
import { compileTemplate, compileTemplates } from "../../templates/compile.js";
import { readHoles } from "../../templates/compiler/holes.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("the emitters are those of the templates", () => {
  test.each([...compileTemplates()])("%s: if not, run `npm run templates`", (name, text) => {
    expect(read(`plugin/src/emitters/${name}`)).toBe(text);
  });
});

describe("a specimen whose names are the holes renders back into the template", () => {
  const doc = (hole: string) => ({ doc: { detached: [], leading: ` ${hole}\n`, trailing: "" }, deprecated: false });
  const method = (kind: MethodScope["kind"]): MethodScope => ({
    kind,
    $method: `$${kind}`,
    $methodName: "$methodName",
    $path: "$path",
    $methodDoc: doc("$methodDoc"),
    $Request: "$Request",
    $RequestInit: "$RequestInit",
    $Response: "$Response",
    $ResponseInit: "$ResponseInit",
    $requestCodec: "$requestCodec",
    $responseCodec: "$responseCodec",
    $idempotency: "$idempotency",
    $defaults: "$defaults",
    $optionsOfMethod: "$optionsOfMethod",
  });
  const specimen: ServiceScope = {
    $ServiceDesc: "$ServiceDesc",
    $ServiceClient: "$ServiceClient",
    $serviceClient: "$serviceClient",
    $sharedServiceClient: "$sharedServiceClient",
    $ServiceServer: "$ServiceServer",
    $UnimplementedServiceServer: "$UnimplementedServiceServer",
    $serviceHandlers: "$serviceHandlers",
    $registerServiceServer: "$registerServiceServer",
    $serviceDescriptors: "$serviceDescriptors",
    $descriptorSet: "$descriptorSet",
    $serviceOptions: "$serviceOptions",
    $optionsOfService: "$optionsOfService",
    $MockServiceClient: "$MockServiceClient",
    $mockServiceClient: "$mockServiceClient",
    $serviceName: "$serviceName",
    $fileName: "$fileName",
    $serviceDoc: doc("$serviceDoc"),
    methods: [method("unary"), method("serverStream"), method("clientStream"), method("bidiStream")],
  };

  test.each([
    ["client.ts", emitClient],
    ["server.ts", emitServer],
    ["handlers.ts", emitHandlers],
    ["service-desc.ts", emitServiceDesc],
    ["client-desc.ts", emitClientDesc],
    ["descriptors.ts", emitDescriptors],
    ["options.ts", emitOptions],
    ["mock.ts", emitMock],
  ])("%s", (name, emit) => {
    const p = new Printer({ taken: [], runtimeImport: "@trunkline/runtime" });
    emit(p, specimen);
    expect(p.finish().body).toBe(read(`templates/${name}`).replace(/^(import .*\n)+\n/, ""));
  });
});

describe("the compiler", () => {
  const project = new Project({ useInMemoryFileSystem: true });
  const holes = readHoles(project.createSourceFile("holes.d.ts", read("templates/holes.d.ts")));
  const compile = (lines: string[]) =>
    compileTemplate(project.createSourceFile("client.ts", lines.join("\n"), { overwrite: true }), holes);
  const inInterface = (...lines: string[]) => ["export interface $ServiceClient {", ...lines, "}"];
  const inObject = (...lines: string[]) => ["export const $serviceHandlers = {", ...lines, "};"];

  test("makes one loop of adjacent arms, and another of those further down", () => {
    const text = inInterface(
      "  // One.",
      "  $unary: 1;",
      "  /** $methodDoc */",
      "  $method: 2;",
      "  other: 3;",
      "  $unary(): 4;",
    );
    const code = compile(text);
    expect(code.slice(code.indexOf("export function"))).toBe(`\
export function emitClient(p: Printer, s: ServiceScope): void {
  p.line\`export interface \${s.$ServiceClient} {\`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line\`  // One.\`;
      p.line\`  \${m.$method}: 1;\`;
    }
    p.doc(m.$methodDoc, "  ");
    p.line\`  \${m.$method}: 2;\`;
  }
  p.line\`  other: 3;\`;
  for (const m of s.methods) {
    if (m.kind === "unary") {
      p.line\`  \${m.$method}(): 4;\`;
    }
  }
  p.line\`}\`;
}
`);
  });

  test("prints imports of the runtime as symbols and drops those of templates", () => {
    const code = compile([
      'import { type A, b } from "@trunkline/runtime/sub";',
      'import { $ServiceDesc } from "./service-desc.js";',
      "/** Uses `b`. */",
      "export const $serviceHandlers: A<Map> = b($ServiceDesc.b, { b: 1 });",
    ]);
    expect(code).toContain('const A = importType("A", "@trunkline/runtime/sub");');
    expect(code).toContain('const b = importValue("b", "@trunkline/runtime/sub");');
    expect(code).toContain("p.line`/** Uses \\`b\\`. */`;");
    expect(code).toContain(
      `p.line\`export const \${s.$serviceHandlers}: \${A}<Map> = \${b}(\${s.$ServiceDesc}.b, { b: 1 });\`;`,
    );
  });

  test("lists globals, parameters and variables, not members", () => {
    const code = compile([
      "export function $serviceClient(channel: Map<number, string>) {",
      "  const member = 1;",
      "  return { member, key: channel.size, ...globalThis };",
      "}",
    ]);
    expect(code).toContain('clientNames: readonly string[] = ["Map", "channel", "globalThis", "member"];');
  });

  test.each<[string, string[], string]>([
    [
      "an unknown hole",
      ["", "export const $serviceHandlers = $nothing;"],
      "2: unknown hole $nothing: declare it in holes.d.ts",
    ],
    [
      "a method's hole outside an arm",
      ["export const $serviceHandlers = $path;"],
      '1: $path must stand as a whole string: "$path"',
    ],
    [
      "a method's type outside an arm",
      ["export type $ServiceClient =", "  $Request;"],
      "2: $Request belongs to a method: use it in an arm",
    ],
    ["an arm's name outside an arm", inInterface("  x: typeof $unary;"), "2: $unary belongs to a method"],
    [
      "an arm's name in another arm",
      inObject("  $unary: () => x.$bidiStream,"),
      "2: write $unary: this is its arm, not $bidiStream's",
    ],
    ["an arm in an arm", inObject("  $unary: {", "    $method: 1,", "  },"), "3: an arm inside an arm"],
    ["two arms in a line", inInterface("  $unary: 1; $method: 2;"), "2: an arm is printed in whole lines"],
    ["an arm beside a brace", ["export interface $ServiceClient { $unary: 1 }"], "1: an arm is printed in whole lines"],
    ["an arm without a comma", inObject("  $unary: 1"), "2: an arm repeats: end it with a comma"],
    ["an empty line between arms", inInterface("  $unary: 1;", "", "  $method: 2;"), "4: adjacent arms are one loop"],
    ["a hole in a longer string", ["export const $serviceHandlers =", '  "a $path";'], "2: `$` only starts a hole"],
    [
      "a hole in a longer comment",
      ["/**", " * See $path.", " */", "export type $ServiceClient = 1;"],
      "2: `$` only starts a hole",
    ],
    [
      "a hole in a comment that is no doc comment",
      ["// $path", "export type $ServiceClient = 1;"],
      "1: `$` only starts a hole",
    ],
    ["a template expression", [`export const $serviceHandlers = (a: 1) => \`\${a}\`;`], "1: `$` only starts a hole"],
    [
      "a string that is the hole of a doc",
      ['export const $serviceHandlers = "$serviceDoc";'],
      "1: $serviceDoc must stand as a whole doc comment",
    ],
    [
      "a string that is the hole of a name",
      ['export const $serviceHandlers = "$ServiceDesc";'],
      "1: $ServiceDesc must stand as an identifier",
    ],
    [
      "a doc comment that is the hole of a string",
      ["/** $serviceName */", "export type $ServiceClient = 1;"],
      '1: $serviceName must stand as a whole string: "$serviceName"',
    ],
    [
      "a hole in shorthand",
      ["export const $serviceHandlers = { $ServiceDesc };"],
      "1: the output may call it something else",
    ],
    [
      "a statement that declares nothing",
      ["export type $ServiceClient = 1;", "run();"],
      "2: a template has no ExpressionStatement",
    ],
    ["a declaration under a name of its own", ["export const x = 1;"], "1: x is printed once per service"],
    ["a declaration under a method's name", ["export const $unary = 1;"], "1: $unary is printed once per service"],
    [
      "an import below a declaration",
      ["export type $ServiceClient = 1;", 'import { a } from "@trunkline/runtime";'],
      "2: imports come first",
    ],
    [
      "an import from elsewhere",
      ['import { join } from "node:path";', "export type $ServiceClient = 1;"],
      "1: a template imports from",
    ],
    [
      "an import under another name",
      ['import { a as b } from "@trunkline/runtime";', "export type $ServiceClient = 1;"],
      "1: write it as",
    ],
    [
      "an import of everything",
      ['import * as a from "@trunkline/runtime";', "export type $ServiceClient = 1;"],
      "1: write it as",
    ],
    [
      "an import of a template's own",
      ['import { a } from "./client.js";', "export type $ServiceClient = 1;"],
      "1: only holes can be imported",
    ],
    [
      "a parameter called like an import",
      ['import { a } from "@trunkline/runtime";', "export const $serviceHandlers = (a: 1) => 1;"],
      "2: a is imported as well",
    ],
    [
      "an import in shorthand",
      ['import { a } from "@trunkline/runtime";', "export const $serviceHandlers = { a };"],
      "2: the output may call it something else",
    ],
    ["nothing at all", ['import type { $Request } from "./holes.js";'], "1: a template must declare something"],
  ])("refuses %s", (_, lines, message) => {
    expect(() => compile(lines)).toThrow(`templates/client.ts:${message}`);
  });
});
