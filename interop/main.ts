/** npm run interop: the interop client, the interop server, and all of them against each other. */
import { type ClientCommand, FlagError, parseCommand, type ServerCommand } from "./flags.js";
import { runMatrix } from "./matrix/matrix.js";
import { attempt } from "./peers/peer.js";

async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2));
  switch (command.kind) {
    case "client":
      return client(command);
    case "server":
      return server(command);
    case "matrix":
      process.exitCode = (await runMatrix(command.options)) ? 0 : 1;
  }
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

main().catch((error: unknown) => {
  console.error(error instanceof FlagError ? error.message : error);
  process.exit(error instanceof FlagError ? 2 : 1);
});
