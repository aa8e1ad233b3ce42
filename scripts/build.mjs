/**
 * npm run build: dist/ of both packages, made anew.
 *
 * The plugin is bundled: every compiler run starts it anew, and a quarter of its time went into loading fifty small
 * modules. What it loads only for some requests stays apart.
 *
 * The runtime is built once, as CommonJS, which every user of Node.js can load; what `import` gets are the same modules
 * under their names. So a process that both imports and requires it has one runtime, with one set of connections, and
 * the package has everything once. Declarations keep their comments, for readers; the code goes without, and without
 * indentation. Declarations that no public one leads to stay out.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transformSync } from "esbuild";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

function tsc(...args) {
  const { status, error } = spawnSync(process.execPath, [path("node_modules/typescript/bin/tsc"), ...args], {
    stdio: "inherit",
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(path("plugin/dist"), { recursive: true, force: true });
await build({
  entryPoints: [path("plugin/src/main.ts")],
  outdir: path("plugin/dist"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  legalComments: "inline",
  plugins: [{ name: "wire-format", setup: inlineWireFormat }],
});

/** Of the dependencies, only the wire format is needed by every run; it becomes part of the bundle, with its licences. */
function inlineWireFormat(bundle) {
  bundle.onResolve({ filter: /^[^.]/ }, ({ kind, path }) =>
    kind === "entry-point" || path === "@bufbuild/protobuf/wire" ? undefined : { external: true },
  );
  bundle.onLoad({ filter: /@bufbuild[\\/]protobuf[\\/].*\.js$/ }, ({ path }) => ({
    // What esbuild takes for a licence, and keeps, has an exclamation mark.
    contents: readFileSync(path, "utf8").replace(
      /^(\/\/.*\n)+/,
      (header) => `/*!\n${header.replace(/^\/\/ ?/gm, " ")}*/\n`,
    ),
  }));
}

rmSync(path("runtime/dist"), { recursive: true, force: true });
const project = path("runtime/tsconfig.cjs.json");
tsc("-p", project, "--emitDeclarationOnly");
tsc("-p", project, "--declaration", "false", "--isolatedDeclarations", "false", "--removeComments");
const built = path("runtime/dist/cjs/");
const files = readdirSync(built, { recursive: true, encoding: "utf8" }).map((file) => file.split(sep).join("/"));
// What is generated imports the package by its name. Node.js looks that up in the nearest package.json, which here is not
// the package's own, and then in node_modules, where the package need not be: it may be linked from somewhere else.
for (const file of files.filter((name) => /^gen\/.*\.(js|d\.ts)$/.test(name))) {
  const up = "../".repeat(file.split("/").length - 1);
  const text = readFileSync(built + file, "utf8").replace(
    /"@trunkline\/runtime(?:\/([\w-]+))?"/g,
    (_, subpath = "index") => `"${up}${subpath}.js"`,
  );
  writeFileSync(built + file, text);
}
for (const file of files.filter((name) => name.endsWith(".js"))) {
  // Generated code is for no reader; of the rest, names stay, for stack traces.
  const minify = file.startsWith("gen/") ? { minify: true } : { minifyWhitespace: true, minifySyntax: true };
  const { code } = transformSync(readFileSync(built + file, "utf8"), { target: "es2022", format: "cjs", ...minify });
  writeFileSync(built + file, code);
}
writeFileSync(`${built}package.json`, '{ "type": "commonjs" }\n');

/** The modules that users may load: those that `exports` of package.json names. */
const entries = Object.values(JSON.parse(readFileSync(path("runtime/package.json"), "utf8")).exports)
  .map((target) => target.require?.default?.replace(/^\.\/dist\/cjs\//, "").replace(/\.js$/, ""))
  .filter((entry) => entry !== undefined)
  .flatMap((entry) => {
    const [before, after] = entry.split("*");
    if (after === undefined) return [entry];
    const matches = files.filter((file) => file.startsWith(before) && file.endsWith(`${after}.js`));
    return matches.map((file) => file.replace(/\.js$/, ""));
  });

const require = createRequire(import.meta.url);
for (const entry of entries) {
  const up = "../".repeat(entry.split("/").length);
  const names = Object.keys(require(`${built}${entry}.js`));
  const file = path(`runtime/dist/esm/${entry}`);
  mkdirSync(dirname(file), { recursive: true });
  const code = `import module from "${up}cjs/${entry}.js";\nexport const { ${names.join(", ")} } = module;\n`;
  writeFileSync(`${file}.js`, names.length === 0 ? `import "${up}cjs/${entry}.js";\n` : code);
  const declared = readFileSync(`${built}${entry}.d.ts`, "utf8");
  // The types of @bufbuild/protobuf are others for who imports it, and so are those that are made of them.
  const own = declared.includes('"@bufbuild/protobuf"');
  const moved = declared.replace(/(from |import\()"(\.[^"]+)"/g, (_, before, specifier) => {
    return `${before}"${up}cjs/${posix.join(posix.dirname(entry), specifier)}"`;
  });
  writeFileSync(`${file}.d.ts`, own ? moved : `export * from "${up}cjs/${entry}.js";\n`);
}

const reached = new Set();
const reach = (declaration) => {
  if (reached.has(declaration)) return;
  reached.add(declaration);
  for (const [, specifier] of readFileSync(built + declaration, "utf8").matchAll(
    /(?:from |import\()"(\.[^"]+)\.js"/g,
  )) {
    reach(posix.join(posix.dirname(declaration), `${specifier}.d.ts`));
  }
};
for (const entry of entries) reach(`${entry}.d.ts`);
for (const file of files) if (file.endsWith(".d.ts") && !reached.has(file)) rmSync(built + file);
