/** Ctrl-C, or whatever else ends the bench: no process is left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";

const program = `
  import { spawn } from "node:child_process";
  import { endAllWithThisProcess, track } from "./bench/processes/live.js";
  endAllWithThisProcess();
  const children = [1, 2].map(() => track(spawn(process.execPath, ["-e", "process.on('SIGINT', () => {}); setInterval(() => {}, 1000)"])));
  console.log(children.map(({ pid }) => pid).join(" "));
  if (process.argv[1] === "throws") setTimeout(() => { throw new Error("a fault of the bench"); });
`;

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["throws", 1],
])("%s ends every process that was started", async (how, exitCode) => {
  const bench = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program, how], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(bench, "exit");
  const [line] = (await once(bench.stdout, "data")) as [Buffer];
  const children = String(line).trim().split(" ").map(Number);
  expect(children).toHaveLength(2);
  if (how !== "throws") bench.kill(how as NodeJS.Signals);
  expect(await ended).toEqual([exitCode, null]);
  await until(() => !children.some(isAlive));
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
