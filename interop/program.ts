/** A client or a server, as the command line asks for it. */
import { type ClientCommand, FlagError, type ServerCommand } from "./flags.js";
import { attempt } from "./peers/peer.js";

/** Runs the program of this process; what is wrong with its flags is one line, and exit code 2. */
export function runProgram(run: () => Promise<void>): void {
  run().catch((error: unknown) => {
    console.error(error instanceof FlagError ? error.message : error);
    process.exit(error instanceof FlagError ? 2 : 1);
  });
}

export function runRole(command: ClientCommand | ServerCommand): Promise<void> {
  return command.kind === "client" ? client(command) : server(command);
}

async function client({ peer, options, address, testCases }: ClientCommand): Promise<void> {
  let failed = false;
  for (const testCase of testCases) {
    const failure = await attempt(peer, testCase, address, options);
    console.log(`${testCase}: ${failure ?? "passed"}`);
    failed ||= failure !== undefined;
  }
  // Where all passed the process ends by itself: that nothing is left open is part of what the cases show.
  if (failed) process.exit(1);
}

async function server({ peer, options, port }: ServerCommand): Promise<void> {
  const running = await peer.serve(port, options);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void running.stop());
  console.log(`listening on 127.0.0.1, port ${running.port}`);
}
