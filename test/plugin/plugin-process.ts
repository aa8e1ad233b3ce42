/** The built plugin, as compilers run it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./compile-protos.js";

export const pluginPath = join(root, "plugin/bin/protoc-gen-ts.js");

/** Runs it on a request. */
export function runPlugin(
  request: Uint8Array,
  { nodeOptions = [] }: { readonly nodeOptions?: readonly string[] } = {},
): { readonly stdout: Uint8Array; readonly stderr: string; readonly status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...nodeOptions, pluginPath], {
    input: request,
    maxBuffer: 1 << 28,
  });
  return { stdout, stderr: stderr.toString(), status };
}
