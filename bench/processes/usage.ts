import { getHeapSpaceStatistics } from "node:v8";

export interface Usage {
  /** Of the whole process since its start, all threads, user and system. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** Objects of JavaScript, and the buffers that they hold. */
  readonly heapBytes: number;
  /** Objects of JavaScript, and all that is outside of their heap: what node:http2, TLS and sockets keep. */
  readonly memoryBytes: number;
}

/** What this process has used. With `collect`, after the garbage is gone; needs --expose-gc. */
export async function usage({ collect = false }: { readonly collect?: boolean } = {}): Promise<Usage> {
  if (collect) {
    // Twice, with a turn between: finalizers of the first run free what the second finds.
    for (let i = 0; i < 2; i++) {
      gc!();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  // The heap has pages beyond what is in it, the more the faster something was allocated: they are of no one thing.
  const heapPages = getHeapSpaceStatistics().reduce((bytes, { physical_space_size }) => bytes + physical_space_size, 0);
  return {
    cpuMicros: user + system,
    rssBytes: rss,
    heapBytes: heapUsed + external,
    memoryBytes: heapUsed + rss - heapPages,
  };
}
