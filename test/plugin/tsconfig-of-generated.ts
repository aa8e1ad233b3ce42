import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./compile-protos.js";

/** Writes the flags of the fixtures into another folder of generated files; returns the path of what it wrote. */
export function writeTsconfig(folder: string): string {
  const paths = {
    "@trunkline/runtime": [join(root, "runtime/src/index.ts")],
    "@trunkline/runtime/*": [join(root, "runtime/src/*.ts")],
  };
  const path = join(folder, "tsconfig.json");
  const config = { extends: join(root, "fixtures/tsconfig.json"), include: ["."], compilerOptions: { paths } };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
