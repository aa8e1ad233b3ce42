/**
 * Regenerates what is committed of the plugin's output, with the plugin as it was last built, through buf, and the page
 * of its options. What no proto makes any more goes: each template says `clean: true`.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { optionsPage } from "./options-page.js";

const buf = fileURLToPath(new URL("../node_modules/@bufbuild/buf/bin/buf", import.meta.url));

for (const [folder, template] of [
  ["..", "buf.gen.yaml"],
  ["..", "buf.gen.protobuf-es.yaml"],
  ["..", "buf.gen.parts.yaml"],
  ["..", "buf.gen.runtime.yaml"],
  ["../examples/demo", "buf.gen.yaml"],
  ["../examples/cluster", "buf.gen.yaml"],
  ["../examples/systemd", "buf.gen.yaml"],
  ["../interop", "buf.gen.yaml"],
] as const) {
  const cwd = fileURLToPath(new URL(folder, import.meta.url));
  // Without a shell, so that a path with a space in it is one argument.
  const { status, error } = spawnSync(process.execPath, [buf, "generate", "--template", template], {
    cwd,
    stdio: "inherit",
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

writeFileSync(new URL("../docs/options.md", import.meta.url), optionsPage());
