import type { Case } from "../suites/suite.js";

/** Where the run is and how long it will yet take: one line that changes on a terminal, a line per case elsewhere. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #began = performance.now();
  readonly #turns: number;
  #done = 0;
  /** Milliseconds of the turns to come, as planned, and of those that are done. */
  #planned: number;
  #plannedOfDone = 0;
  #last = "";

  constructor(cases: readonly Case[], out: NodeJS.WriteStream) {
    this.#out = out;
    this.#turns = cases.reduce((sum, { rounds, turns }) => sum + rounds * turns.length, 0);
    this.#planned = cases.reduce((sum, { rounds, turns, turnMs }) => sum + rounds * turns.length * turnMs, 0);
  }

  show(suite: string, { name }: Case, contender: string): void {
    const where = `${suite}: ${name}`;
    if (this.#out.isTTY) {
      const line = `${this.#left().padEnd(18)} ${where} · ${contender}`;
      this.#out.write(`\r\x1b[2K${line.slice(0, (this.#out.columns || 80) - 1)}`);
    } else if (where !== this.#last) {
      this.#out.write(`${where}${this.#done === 0 ? "" : ` (${this.#left()})`}\n`);
    }
    this.#last = where;
  }

  done(turnMs: number): void {
    this.#done++;
    this.#plannedOfDone += turnMs;
    this.#planned -= turnMs;
  }

  /** Makes room for something else on a terminal. */
  clear(): void {
    if (this.#out.isTTY) this.#out.write("\r\x1b[2K");
  }

  #left(): string {
    if (this.#done === 0) return "";
    // Turns take what was planned for them and, with their part of a warm-up and of starting processes, some more.
    const more = Math.max(0, performance.now() - this.#began - this.#plannedOfDone) / this.#done;
    const seconds = Math.ceil((this.#planned + more * (this.#turns - this.#done)) / 1000);
    return seconds < 100 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
  }
}
