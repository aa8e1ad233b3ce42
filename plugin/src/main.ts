/** The program: stdin → run → stdout. The only user of `process`. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { run } from "./run.js";

/**
 * Answers the one request on stdin. Faults of protos and options are part of the answer, and the exit code is 0; with
 * anything else there is a line on stderr, and the exit code is 1.
 */
export async function main(): Promise<void> {
  const { stdin, stdout, stderr } = process;
  // A compiler that went away wants no more of the answer, and nobody is left to be told.
  stdout.on("error", () => process.exit(1));
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of stdin) chunks.push(chunk);
    for await (const part of run(Buffer.concat(chunks), readAt)) {
      // A compiler that reads slowly is waited for, or a large answer would pile up here.
      if (!stdout.write(part)) await once(stdout, "drain");
    }
  } catch (error) {
    stderr.write(`protoc-gen-ts: ${describe(error)}\n`);
    process.exitCode = 1;
  }
}

/** The whole path, so that where it was looked for is in the error of a file that is not there. */
function readAt(path: string): Promise<Uint8Array> {
  return readFile(resolve(path));
}

/** One line for what is foreseen; a fault of this program shows where it is. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "MalformedRequestError" ? error.message : `internal error: ${error.stack}`;
}
