/** Calls without a pause from several callers, and what becomes of them while servers come and go. */

export interface Calls {
  /** Makes a call and says which process has answered. */
  readonly unary: () => Promise<number>;
  /** Opens a stream that goes on until its server ends it; each message says which process sends it. */
  readonly stream: () => AsyncIterable<number>;
}

export class Load {
  readonly #calls: Calls;
  readonly #callers: Promise<void>[];
  readonly #waiting = new Map<number, () => void>();
  #stopped = false;
  /** Calls that have ended in success. */
  unaries = 0;
  streams = 0;
  /** How the others ended. */
  readonly lost: string[] = [];
  readonly answered = new Set<number>();

  constructor(calls: Calls, { unaries, streams }: { readonly unaries: number; readonly streams: number }) {
    this.#calls = calls;
    this.#callers = [
      ...Array.from({ length: unaries }, () => this.#repeat("unary", () => this.#unary())),
      ...Array.from({ length: streams }, () => this.#repeat("stream", () => this.#stream())),
    ];
  }

  /** Resolves once a process has answered a call, or has sent a message. */
  async answeredBy(pid: number): Promise<void> {
    if (this.answered.has(pid)) return;
    await new Promise<void>((resolve) => this.#waiting.set(pid, resolve));
  }

  /** Lets the last calls come to their end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  async #repeat(what: string, call: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await call();
      } catch (error) {
        this.lost.push(`${what}: ${(error as Error).message}`);
        // A server that cannot be reached would keep this loop from ever letting anything else happen.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  async #unary(): Promise<void> {
    this.#onAnswer(await this.#calls.unary());
    this.unaries++;
  }

  async #stream(): Promise<void> {
    for await (const pid of this.#calls.stream()) {
      this.#onAnswer(pid);
      if (this.#stopped) return;
    }
    this.streams++;
  }

  #onAnswer(pid: number): void {
    this.answered.add(pid);
    this.#waiting.get(pid)?.();
    this.#waiting.delete(pid);
  }
}
