/** Who is let in: so many connections, and none when the process runs out of file descriptors. */
import { readdirSync, readFileSync } from "node:fs";
import type { ConnectionGate } from "../contract.js";

/**
 * What is kept for the rest of the process (files, other connections). Without file descriptors Node.js accepts a
 * connection and closes it at once, and tells nobody; other runtimes wait before they accept again.
 */
const reservedDescriptors = 32;
/** How old a count may be. */
const countEveryMs = 1000;
/** How much of its time the process spends on counting at most: it costs the more, the more there are. */
const countingShare = 1 / 20;

export class CountingGate implements ConnectionGate {
  readonly #maxConnections: number;
  #free: number | undefined;
  #countedAt = Number.NEGATIVE_INFINITY;
  #countingTookMs = 0;
  /** That were let in since they were counted. */
  #since = 0;
  /** Connections that are open. */
  openConnections = 0;
  /** Connections that were let in. */
  accepted = 0;
  /** Connections that were not. */
  refused = 0;

  constructor(maxConnections: number) {
    this.#maxConnections = maxConnections;
  }

  /** The same for all: nothing has to be kept of each. */
  readonly #leave = (): void => {
    this.openConnections--;
  };

  open(): (() => void) | undefined {
    const free = this.freeDescriptors();
    if (this.openConnections >= this.#maxConnections || (free !== undefined && free < reservedDescriptors)) {
      this.refused++;
      return undefined;
    }
    this.openConnections++;
    this.accepted++;
    this.#since++;
    return this.#leave;
  }

  /** How many file descriptors the process has left, a second ago at most; undefined where the system does not tell. */
  freeDescriptors(): number | undefined {
    const age = performance.now() - this.#countedAt;
    // When there are few, none is let in by an old count, and a flood of those that come has to wait for the next.
    const isOld = age >= countEveryMs || this.#since >= (this.#free ?? 0) - reservedDescriptors;
    if (isOld && age * countingShare >= this.#countingTookMs) {
      const startedAt = performance.now();
      this.#free = countFreeDescriptors();
      this.#countedAt = performance.now();
      this.#countingTookMs = this.#countedAt - startedAt;
      this.#since = 0;
    }
    return this.#free === undefined ? undefined : this.#free - this.#since;
  }
}

/** Linux tells both in /proc. */
function countFreeDescriptors(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? undefined : Number(limit) - readdirSync("/proc/self/fd").length;
  } catch (error) {
    // Not Linux, or so few left that not even this can be read.
    return (error as NodeJS.ErrnoException).code === "EMFILE" ? 0 : undefined;
  }
}
