export interface Usage {
  /** Of the whole process since its start, all threads, user and system. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** Objects of JavaScript, and the buffers that they hold. */
  readonly heapBytes: number;
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
  return { cpuMicros: user + system, rssBytes: rss, heapBytes: heapUsed + external };
}
