/** The program: stdin → run → stdout, and what it says to a person. The only user of `process`. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { optionTable, usage } from "./options.js";
import { run } from "./run.js";

/** Compilers pass no arguments, and stdin is their request: with an argument or at a terminal, it is a person. */
export async function main(): Promise<void> {
  const { argv, stdin, stdout } = process;
  // A compiler that went away wants no more of the answer, and nobody is left to be told.
  stdout.on("error", () => process.exit(1));
  const args = argv.slice(2);
  if (args.length > 0 || stdin.isTTY) await answerPerson(args);
  else await answerCompiler();
}

/**
 * Answers the one request on stdin. Faults of protos and options are part of the answer, and the exit code is 0; with
 * anything else there is a line on stderr, and the exit code is 1.
 */
async function answerCompiler(): Promise<void> {
  const { stdin, stdout, stderr } = process;
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

/**
 * Help that was asked for is output, and success. Without an argument nothing was generated, and whatever a script does
 * next would go wrong: that is a failure, and the help is on stderr, as with npm or git alone. An argument that there is
 * not ends with 2, as shells and most parsers of arguments do, so that it is told from a request that failed.
 */
async function answerPerson(args: readonly string[]): Promise<void> {
  const { stdout, stderr } = process;
  const { usageText, versionText } = await import("./usage.js");
  const help = ({ columns }: NodeJS.WriteStream) =>
    usageText(
      optionTable.map((row) => ({ ...row, usage: usage(row) })),
      // No terminal has no such property, and one that does not know its size says 0.
      columns || 80,
    );
  if (args.some((arg) => ["-h", "--help"].includes(arg))) {
    stdout.write(help(stdout));
  } else if (args.some((arg) => ["-v", "-V", "--version"].includes(arg))) {
    stdout.write(versionText());
  } else if (args.length === 0) {
    stderr.write(help(stderr));
    process.exitCode = 1;
  } else {
    stderr.write(
      `protoc-gen-ts: there is no argument ${JSON.stringify(args[0])}: there are --help and --version; ` +
        "protos and options are given to buf or protoc, which start this program\n",
    );
    process.exitCode = 2;
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
