/** The interop client and server of each of these peers. */
import { FlagError, parseCommand } from "../../flags.js";
import { runProgram, runRole } from "../../program.js";
import { connectNode } from "./connect-node/connect-node.js";
import { niceGrpc } from "./nice-grpc/nice-grpc.js";

runProgram(async () => {
  const command = parseCommand(process.argv.slice(2), [connectNode, niceGrpc]);
  if (command.kind === "matrix") throw new FlagError("the matrix is of all peers: npm run interop -- matrix");
  await runRole(command);
});
