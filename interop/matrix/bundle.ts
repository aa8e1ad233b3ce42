import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Where the bundle of a program goes. */
export function bundleOf(program: string): string {
  return join(dirname(program), "build", `${basename(program, ".ts")}.mjs`);
}

/**
 * Makes one module of a program in TypeScript. The matrix starts each some hundred times: to read it file by file takes
 * two seconds, as long as most of its cases together.
 */
export async function bundle(program: string): Promise<void> {
  // Not loaded by programs that run.
  const { build } = await import("esbuild");
  await build({
    entryPoints: [program],
    outfile: bundleOf(program),
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20.19",
    plugins: [
      {
        name: "files stay where they are",
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
            loader: "ts",
            contents: (await readFile(path, "utf8")).replace(
              /\bimport\.meta\.url\b/g,
              JSON.stringify(pathToFileURL(path)),
            ),
          })),
      },
    ],
  });
}
