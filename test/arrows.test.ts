/** The arrows of the house: who may import whom. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

interface Import {
  /** Of the repository, with slashes. */
  readonly file: string;
  /** A file of the repository, or a package. */
  readonly to: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name).split(sep).join("/"))
    .filter((name) => name.endsWith(".ts"));
}

function importsOf(folder: string): Import[] {
  return sources(folder).flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|import\("([^"]+)"\)/gm);
    return [...statements].map(([, type, from, dynamic]) => {
      const specifier = (from ?? dynamic)!;
      const to = specifier.startsWith(".")
        ? relative(".", join(dirname(file), specifier.replace(/\.js$/, ".ts")))
        : specifier;
      return { file, to, typeOnly: type !== undefined };
    });
  });
}

const runtime = importsOf("runtime/src");
const plugin = importsOf("plugin/src");
/** What the plugin makes of the standard services' protos; it imports this package by its name, as it does any user's. */
const generated = "runtime/src/gen/";
const show = (found: readonly Import[]) => found.map(({ file, to }) => `${file} → ${to}`);

describe("arrows", () => {
  test("the sources are found", () => {
    expect(runtime.length).toBeGreaterThan(50);
    expect(plugin.length).toBeGreaterThan(20);
  });

  test("neither the plugin nor the runtime knows the other", () => {
    const ownName = (file: string, to: string) =>
      file.startsWith(generated) && (to === "@trunkline/runtime" || to === "@trunkline/runtime/ts-proto");
    const outside = runtime.filter(({ to }) => to.startsWith("plugin/") || to.startsWith("@trunkline/"));
    expect(show(outside.filter(({ file, to }) => !ownName(file, to)))).toEqual([]);
    expect(outside.length).toBeGreaterThan(0);
    expect(show(plugin.filter(({ to }) => to.startsWith("runtime/") || to.startsWith("@trunkline/")))).toEqual([]);
  });

  test("only the grpc-js transport knows grpc-js; its own subpath speaks of its types", () => {
    const allowed = "runtime/src/transport/grpc-js/";
    const users = runtime.filter(({ file, to }) => to === "@grpc/grpc-js" && !file.startsWith(allowed));
    expect(show(users)).toEqual(["runtime/src/grpc-js.ts → @grpc/grpc-js"]);
    expect(users.every(({ typeOnly }) => typeOnly)).toBe(true);
  });

  test("a transport is loaded by its first use only", () => {
    const outside = runtime.filter(
      ({ file, to }) =>
        to.startsWith("runtime/src/transport/grpc-js/") && !file.startsWith("runtime/src/transport/grpc-js/"),
    );
    expect(show(outside)).toEqual([
      "runtime/src/grpc-js.ts → runtime/src/transport/grpc-js/channel.ts",
      "runtime/src/grpc-js.ts → runtime/src/transport/grpc-js/channel-override.ts",
      "runtime/src/transport/transports.ts → runtime/src/transport/grpc-js/grpc-js.ts",
    ]);
    expect(readFileSync("runtime/src/transport/transports.ts", "utf8")).toContain(
      'await import("./grpc-js/grpc-js.js")',
    );
  });

  test("transports know nothing of interceptors, clients, servers, connections or generated code", () => {
    const above =
      /^runtime\/src\/(client|server|connection|attempts)\/|^runtime\/src\/(interceptor|dial|reply|pump)\.ts$/;
    const found = runtime.filter(({ file, to }) => file.startsWith("runtime/src/transport/") && above.test(to));
    expect(show(found)).toEqual([]);
  });

  test("optional peers are known to the interceptors that need them only, and nothing else imports an interceptor", () => {
    const peers = runtime.filter(({ to }) => /^(prom-client|@opentelemetry\/|@bufbuild\/protovalidate)/.test(to));
    expect(show(peers).sort()).toEqual([
      "runtime/src/interceptors/metrics-otel.ts → @opentelemetry/api",
      "runtime/src/interceptors/metrics-prometheus.ts → prom-client",
      "runtime/src/interceptors/protovalidate.ts → @bufbuild/protovalidate",
      "runtime/src/interceptors/tracing.ts → @opentelemetry/api",
    ]);
    const inside = "runtime/src/interceptors/";
    expect(show(runtime.filter(({ file, to }) => to.startsWith(inside) && !file.startsWith(inside)))).toEqual([]);
  });

  test("what is generated is known to the standard services only, and these to who asks for them", () => {
    const standard = /^runtime\/src\/(health|reflection|channelz)(\.ts$|\/)/;
    const knowing = runtime.filter(({ to }) => to.startsWith(generated));
    expect(show(knowing.filter(({ file }) => !standard.test(file) && !file.startsWith(generated)))).toEqual([]);
    const check = "runtime/src/connection/health-check.ts";
    const users = runtime.filter(({ file, to }) => standard.test(to) && !standard.test(file) && file !== check);
    expect(show(users)).toEqual([]);
    // A connection that checks nobody's health does not load what checks.
    for (const { file } of runtime.filter(({ to }) => to === "runtime/src/connection/health-checked-channel.ts")) {
      expect(readFileSync(file, "utf8")).toContain('await import("./health-checked-channel.js")');
    }
  });

  test("the contract imports types only", () => {
    const contract = runtime.filter(({ file }) => file === "runtime/src/contract.ts");
    expect(show(contract.filter(({ typeOnly }) => !typeOnly))).toEqual([]);
  });

  test("message generators are imported from messages/ only, and lazily", () => {
    const generators = /^(ts-proto|ts-proto-descriptors|@bufbuild\/protoc-gen-es|ts-poet)/;
    const found = plugin.filter(({ file, to }) => generators.test(to) && !file.startsWith("plugin/src/messages/"));
    expect(show(found)).toEqual([]);
  });

  test("the shipped plugin loads no compiler, and only main.ts knows the process", () => {
    expect(show(plugin.filter(({ to }) => /^(ts-morph|typescript)$/.test(to)))).toEqual([]);
    const users = sources("plugin/src").filter((file) => /\bprocess\.\w/.test(readFileSync(file, "utf8")));
    expect(users).toEqual(["plugin/src/main.ts"]);
  });
});
