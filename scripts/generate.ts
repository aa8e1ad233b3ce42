/**
 * Regenerates what is committed of the plugin's output, with the plugin as it was last built, through buf. What no
 * proto makes any more goes: each buf.gen.yaml says `clean: true`.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const buf = fileURLToPath(new URL("../node_modules/@bufbuild/buf/bin/buf", import.meta.url));

for (const folder of ["..", "../examples/demo", "../interop"]) {
  const cwd = fileURLToPath(new URL(folder, import.meta.url));
  // Without a shell, so that a path with a space in it is one argument.
  const { status, error } = spawnSync(process.execPath, [buf, "generate"], { cwd, stdio: "inherit" });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
