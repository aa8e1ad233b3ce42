/**
 * The program of every process that measures or is measured: a client, a server, or a codec on its own. It does what
 * the bench asks over the IPC channel, which is not the connection that is measured, and ends with it.
 */
import { clientCommands } from "./client-commands.js";
import { codecCommands } from "./codec-commands.js";
import { serverCommands } from "./server-commands.js";
import { usage } from "./usage.js";

const commands = { ...clientCommands, ...serverCommands, ...codecCommands, usage };

export type Commands = typeof commands;

export interface Request {
  readonly id: number;
  readonly command: keyof Commands;
  readonly argument: unknown;
}

export type Response =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

// Otherwise a bench that was killed would leave its processes behind.
process.on("disconnect", () => process.exit(0));
// A terminal sends Ctrl-C to every process: the bench ends the others, and says so once.
process.on("SIGINT", () => {});

process.on("message", async ({ id, command, argument }: Request) => {
  try {
    const run = commands[command] as (argument: unknown) => unknown;
    reply({ id, result: await run(argument) });
  } catch (error) {
    reply({ id, error: error instanceof Error ? error.message : String(error) });
  }
});

function reply(response: Response): void {
  process.send!(response);
}
