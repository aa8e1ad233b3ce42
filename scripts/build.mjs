/**
 * npm run build: dist/ of both packages, made anew.
 *
 * The plugin is bundled into one module that is required: every compiler run starts it anew, and a quarter of its time
 * went into loading fifty small modules, or a sixth into Node's loader of modules that are imported. Parts that only some
 * requests need are in it, but run only for those, and so do the packages that they require.
 *
 * The runtime has an import and a require build; declarations are there once, for both, and only those that a public
 * one leads to. They keep their comments, for readers; the code goes without, and without indentation. What is generated,
 * and the require build, which bundlers and debuggers rarely look at, are smaller still.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { posix, sep } from "node:path";
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
  outfile: path("plugin/dist/main.js"),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20.19",
  // Names stay: an internal error shows where it is.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "inline",
  define: { "import.meta.url": "__filename" },
  plugins: [{ name: "wire-format", setup: inlineWireFormat }],
});
writeFileSync(path("plugin/dist/package.json"), '{ "type": "commonjs" }\n');

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
tsc("-p", path("runtime/tsconfig.cjs.json"), "--emitDeclarationOnly");
for (const [folder, project] of [
  ["esm", "tsconfig.json"],
  ["cjs", "tsconfig.cjs.json"],
]) {
  const options = ["--declaration", "false", "--isolatedDeclarations", "false", "--removeComments"];
  tsc("-p", path(`runtime/${project}`), ...options);
  const built = path(`runtime/dist/${folder}/`);
  for (const file of filesIn(built)) {
    const text = ownImports(file, readFileSync(built + file, "utf8"));
    const smallest = folder === "cjs" || file.startsWith("gen/");
    const minify = smallest ? { minify: true } : { minifyWhitespace: true, minifySyntax: true };
    writeFileSync(
      built + file,
      file.endsWith(".js") ? transformSync(text, { target: "es2022", ...minify }).code : text,
    );
  }
}
writeFileSync(path("runtime/dist/cjs/package.json"), '{ "type": "commonjs" }\n');
declareEntries(path("runtime/dist/"));

function filesIn(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => file.split(sep).join("/"));
  return files.filter((file) => /\.(js|d\.ts)$/.test(file));
}

/**
 * What is generated imports the package by its name. Node.js looks that up in the nearest package.json, which is not
 * always the package's own, and then in node_modules, where the package need not be: it may be linked from elsewhere.
 */
function ownImports(file, text) {
  if (!file.startsWith("gen/")) return text;
  const up = "../".repeat(file.split("/").length - 1);
  return text.replace(/"@trunkline\/runtime(?:\/([\w-]+))?"/g, (_, subpath = "index") => `"${up}${subpath}.js"`);
}

/** Declares for `import` what is declared for `require`, and leaves out what nobody can get to. */
function declareEntries(dist) {
  const files = filesIn(`${dist}cjs`);
  const entries = Object.values(JSON.parse(readFileSync(path("runtime/package.json"), "utf8")).exports)
    .map((target) => target.require?.types?.replace("./dist/cjs/", ""))
    .filter((entry) => entry !== undefined)
    .flatMap((entry) => {
      const [before, after] = entry.split("*");
      return after === undefined ? [entry] : files.filter((file) => file.startsWith(before) && file.endsWith(after));
    });
  const reached = new Set();
  const reach = (declaration) => {
    if (reached.has(declaration)) return;
    reached.add(declaration);
    const text = readFileSync(`${dist}cjs/${declaration}`, "utf8");
    for (const [, specifier] of text.matchAll(/(?:from |import\()["'](\.[^"']+)\.js["']/g)) {
      reach(posix.join(posix.dirname(declaration), `${specifier}.d.ts`));
    }
  };
  for (const entry of entries) {
    reach(entry);
    const up = "../".repeat(entry.split("/").length);
    const declared = readFileSync(`${dist}cjs/${entry}`, "utf8");
    // The types of @bufbuild/protobuf are others for who imports it, and so are those that are made of them.
    const own = declared.includes('"@bufbuild/protobuf"');
    const moved = declared.replace(/(from |import\()"(\.[^"]+)"/g, (_, before, specifier) => {
      return `${before}"${up}cjs/${posix.join(posix.dirname(entry), specifier)}"`;
    });
    writeFileSync(`${dist}esm/${entry}`, own ? moved : `export * from "${up}cjs/${entry.replace(/d\.ts$/, "js")}";\n`);
  }
  for (const file of files) if (file.endsWith(".d.ts") && !reached.has(file)) rmSync(`${dist}cjs/${file}`);
}
