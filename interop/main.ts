/** npm run interop: the interop client, the interop server, and all of them against each other. */
import { parseCommand } from "./flags.js";
import { runMatrix } from "./matrix/matrix.js";
import { peers } from "./peers/peers.js";
import { runProgram, runRole } from "./program.js";

runProgram(async () => {
  const command = parseCommand(process.argv.slice(2), peers);
  if (command.kind === "matrix") process.exitCode = (await runMatrix(command.options)) ? 0 : 1;
  else await runRole(command);
});
