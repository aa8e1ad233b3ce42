/**
 * npm run build: dist/ of both packages, made anew.
 *
 * The plugin is bundled: every compiler run starts it anew, and a quarter of its time went into loading fifty small
 * modules. What it loads only for some requests stays apart.
 *
 * The runtime has an import and a require build, each with declarations of its own. Comments are for readers of the
 * declarations: the code goes without, which is a third of it, and is indented by two spaces rather than tsc's four.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
for (const project of ["runtime/tsconfig.json", "runtime/tsconfig.cjs.json"]) {
  tsc("-p", path(project), "--emitDeclarationOnly");
  tsc("-p", path(project), "--declaration", "false", "--isolatedDeclarations", "false", "--removeComments");
}
for (const file of readdirSync(path("runtime/dist"), { recursive: true, encoding: "utf8" })) {
  if (!file.endsWith(".js")) continue;
  const { code } = transformSync(readFileSync(path(`runtime/dist/${file}`), "utf8"), { target: "es2022" });
  writeFileSync(path(`runtime/dist/${file}`), code);
}
writeFileSync(path("runtime/dist/cjs/package.json"), '{ "type": "commonjs" }\n');
