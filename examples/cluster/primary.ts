/**
 * The primary: it owns the port, and hands each connection that comes to one of its workers. It serves nothing itself,
 * so it need not be restarted for a new release of what its workers run.
 */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";

export async function supervise(size: number): Promise<void> {
  /** Workers that were told to end. */
  const leaving = new Set<Worker>();
  let stopping = false;
  let restart = Promise.resolve();

  cluster.on("exit", (worker, code, signal) => {
    if (leaving.delete(worker) || stopping) return;
    console.error(`worker ${worker.process.pid} ended unasked (${signal ?? code})`);
    start().catch(giveUp);
  });

  // One by one: the next listens before the old one is told to end. If it does not get so far, the old ones stay.
  process.on("SIGHUP", () => {
    restart = restart.then(restartAll).then(
      () => console.log("restarted"),
      (error) => console.error("not restarted:", error),
    );
  });

  async function restartAll(): Promise<void> {
    for (const old of workers()) {
      if (stopping) return;
      await start();
      await stop(old);
    }
  }

  async function stop(worker: Worker): Promise<void> {
    if (worker.isDead()) return;
    leaving.add(worker);
    const exit = once(worker, "exit");
    worker.process.kill("SIGTERM");
    await exit;
  }

  async function stopAll(signal: NodeJS.Signals): Promise<void> {
    const isFirst = !stopping;
    stopping = true;
    // To whoever asks twice, each worker's own handler of the second SIGTERM listens: it cuts what is left.
    const stopped = Promise.all(workers().map(stop));
    if (!isFirst) return;
    await stopped;
    for (const each of signals) process.off(each, stopAll);
    process.kill(process.pid, signal);
  }

  function giveUp(error: unknown): void {
    console.error(error);
    process.exitCode = 1;
    void stopAll("SIGTERM");
  }

  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) process.on(signal, stopAll);
  await Promise.all(Array.from({ length: size }, start));
  console.log(`${size} workers serve`);
}

/** Resolves when the worker listens. */
async function start(): Promise<Worker> {
  const worker = cluster.fork();
  const ended = once(worker, "exit").then(([code, signal]) => {
    throw new Error(`worker ${worker.process.pid} ended before it listened (${signal ?? code})`);
  });
  await Promise.race([once(worker, "listening"), ended]);
  return worker;
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
