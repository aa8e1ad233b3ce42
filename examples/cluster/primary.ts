/**
 * The primary: it owns the port, and hands each connection that comes to one of its workers. It serves nothing itself,
 * so it need not be restarted for a new release of what its workers run.
 */
import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";

const signals = ["SIGTERM", "SIGINT"] as const;

export async function supervise(size: number): Promise<void> {
  /** Workers that listen, and were not told to end. */
  const serving = new Set<Worker>();
  let stopping = false;
  let restart = Promise.resolve();

  async function start(): Promise<void> {
    const worker = cluster.fork();
    const ended = once(worker, "exit").then(([code, signal]) => {
      throw new Error(`worker ${worker.process.pid} ended before it listened (${signal ?? code})`);
    });
    await Promise.race([once(worker, "listening"), ended]);
    serving.add(worker);
  }

  async function stop(worker: Worker): Promise<void> {
    serving.delete(worker);
    if (worker.isDead()) return;
    const exit = once(worker, "exit");
    worker.process.kill("SIGTERM");
    await exit;
  }

  /** One by one: the next listens before the old one is told to end. If it does not get so far, the old ones stay. */
  async function restartAll(): Promise<void> {
    for (const old of [...serving]) {
      if (stopping) return;
      await start();
      await stop(old);
    }
  }

  async function stopAll(signal: NodeJS.Signals): Promise<void> {
    const isFirst = !stopping;
    stopping = true;
    const all = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    // Asked twice, they are told twice, and cut what is left.
    const stopped = Promise.all(all.map(stop));
    if (!isFirst) return;
    await stopped;
    for (const each of signals) process.off(each, stopAll);
    process.kill(process.pid, signal);
  }

  cluster.on("exit", (worker, code, signal) => {
    if (!serving.delete(worker) || stopping) return;
    console.error(`worker ${worker.process.pid} ended unasked (${signal ?? code})`);
    start().catch((error) => {
      console.error(error);
      void stopAll("SIGTERM");
    });
  });
  process.on("SIGHUP", () => {
    restart = restart.then(restartAll).then(
      () => console.log("restarted"),
      (error) => console.error("not restarted:", error),
    );
  });
  for (const signal of signals) process.on(signal, stopAll);

  await Promise.all(Array.from({ length: size }, start));
  console.log(`${size} workers serve`);
}
