import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { startKinds, stopKinds } from "./kinds.js";
import { wireTransports } from "./transports.js";

afterEach(stopKinds);

test.each(wireTransports)(
  "a program that makes one call and closes nothing exits by itself: $name",
  async ({ transport }) => {
    const { address } = await startKinds(transport, { unary: ({ text }) => ({ text: `${text} back` }) });
    const program = ["--import", "tsx", "test/programs/one-call.ts", address, transport];
    // Killed, and so rejected, where it does not exit.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, program, { timeout: 15_000 });
    expect({ stdout, stderr }).toEqual({ stdout: "hello back\n", stderr: "" });
  },
);
