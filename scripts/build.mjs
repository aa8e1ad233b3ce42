/**
 * npm run build: dist/ of both packages, made anew.
 *
 * The runtime has an import and a require build, each with declarations of its own. Comments are for readers of the
 * declarations: the code goes without, which is a third of it, and is indented by two spaces rather than tsc's four.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

function tsc(...args) {
  const { status, error } = spawnSync(process.execPath, [path("node_modules/typescript/bin/tsc"), ...args], {
    stdio: "inherit",
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(path("plugin/dist"), { recursive: true, force: true });
tsc("-p", path("plugin"));

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
