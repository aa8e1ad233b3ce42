/** Every process that the bench has started and that still lives: however the bench ends, none outlives it. */
import type { ChildProcess } from "node:child_process";

const live = new Set<ChildProcess>();

export function track<Child extends ChildProcess>(child: Child): Child {
  live.add(child);
  child.once("exit", () => live.delete(child));
  return child;
}

function killAll(): void {
  for (const child of live) child.kill("SIGKILL");
}

/** To be called once, at the start. */
export function endAllWithThisProcess(): void {
  process.on("exit", killAll);
  const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(exitCodes[signal]));
  }
}
