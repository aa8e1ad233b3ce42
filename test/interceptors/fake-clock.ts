/** A clock that tests move by hand. */
export class FakeClock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly onTime: () => void }>();
  #waiters: { readonly isSo: () => boolean; readonly resolve: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, onTime: () => void): () => void {
    const timer = { at: this.#now + ms, onTime };
    this.#timers.add(timer);
    this.#tell();
    return () => {
      this.#timers.delete(timer);
      this.#tell();
    };
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Resolves once so many timers are set. */
  whenTimers(timers: number): Promise<void> {
    return this.#when(() => this.#timers.size >= timers);
  }

  /** Resolves once all timers have been taken back, or have come. */
  whenNoTimer(): Promise<void> {
    return this.#when(() => this.#timers.size === 0);
  }

  async #when(isSo: () => boolean): Promise<void> {
    if (!isSo()) await new Promise<void>((resolve) => this.#waiters.push({ isSo, resolve }));
  }

  #tell(): void {
    const happened = this.#waiters.filter(({ isSo }) => isSo());
    this.#waiters = this.#waiters.filter((waiter) => !happened.includes(waiter));
    for (const { resolve } of happened) resolve();
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.onTime();
    }
  }
}
