import type { Loop } from "../workloads/closed-loop.js";
import { WorkerProcess } from "./worker-process.js";

export interface PairLoop extends Loop {
  readonly serverCpuMicros: number;
}

/**
 * A heap as of a program that has run for a while. In a new process V8 allows the old generation, with the buffers that
 * came over the wire, so little room that it collects all of it every 10 to 25 MB received, once it has begun to; whether
 * a contender has begun to depends on how much its modules left behind, and made up to 1.7× of CPU in 64 KB streams.
 */
const grownHeap = ["--initial-heap-size=256"];

/** A client and a server of one contender, each in a process of its own. */
export class Pair {
  readonly client: WorkerProcess;
  readonly server: WorkerProcess;
  readonly contender: string;

  constructor(contender: string, execArgv: readonly string[] = grownHeap) {
    this.contender = contender;
    this.client = new WorkerProcess("client", execArgv);
    this.server = new WorkerProcess("server", execArgv);
  }

  /** Makes the server listen and the client know it; the port. */
  async connect(): Promise<number> {
    const { contender } = this;
    const port = await this.server.ask("serve", { contender, interceptors: 0 });
    await this.client.ask("connect", { contender, port });
    return port;
  }

  /** What a loop cost at both ends. Nothing is under way before and after it, so that all of the cost is its calls'. */
  async measured(loop: () => Promise<Loop>): Promise<PairLoop> {
    const before = await this.server.ask("usage", {});
    const result = await loop();
    const after = await this.server.ask("usage", {});
    return { ...result, serverCpuMicros: after.cpuMicros - before.cpuMicros };
  }

  stop(): void {
    this.client.stop();
    this.server.stop();
  }
}

/** The pairs of a suite: each is started when it is first asked for, and lives until the suite ends or it fails. */
export class Pairs<Connected = number> {
  readonly #pairs = new Map<string, { readonly pair: Pair; readonly connected: Promise<Connected> }>();
  readonly #connect: (pair: Pair) => Promise<Connected>;

  constructor(connect: (pair: Pair) => Promise<Connected>) {
    this.#connect = connect;
  }

  /** @param name what the pair is known by, where one contender has more than one */
  async get(contender: string, name = contender): Promise<{ readonly pair: Pair; readonly connected: Connected }> {
    let entry = this.#pairs.get(name);
    if (entry === undefined) {
      const pair = new Pair(contender);
      entry = { pair, connected: this.#connect(pair) };
      this.#pairs.set(name, entry);
    }
    return { pair: entry.pair, connected: await entry.connected };
  }

  stop(name?: string): void {
    for (const [known, { pair }] of this.#pairs) {
      if (name !== undefined && name !== known) continue;
      pair.stop();
      this.#pairs.delete(known);
    }
  }
}
