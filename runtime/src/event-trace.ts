/** What an event means to whoever looks for a fault. */
export type Severity = "info" | "warning" | "error";

/** Something that has happened to a connection, to one of its channels, or to a server. */
export interface TraceEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly severity: Severity;
  readonly description: string;
  /** The identity of the channel of a pool that it happened to, where it happened to one of several. */
  readonly channelId: number | undefined;
}

/** How many are kept. */
const kept = 30;
/** Characters of a description: reasons come from peers, too. */
const longestDescription = 500;
/** Of each event: when it was, in milliseconds since the trace began, how severe, what, and of which channel. */
const width = 4;

type Entry = number | string | undefined;

/**
 * The last events of one thing, and how many there were. Always kept, for who looks at a process only after something
 * has gone wrong: it costs nothing per call, and some kilobytes at most. Events are kept flat, in an array that is as long
 * as it needs to be: most connections have had three or four, and nobody looks.
 */
export class EventTrace {
  /** Milliseconds since the epoch. */
  readonly createdAt: number = Date.now();
  #entries: readonly Entry[] = [];
  #logged = 0;

  add(severity: Severity, description: string, channelId?: number): void {
    this.#logged++;
    const before = this.#entries.slice(this.#entries.length < kept * width ? 0 : width);
    const at = Date.now() - this.createdAt;
    // Not by spreading, which leaves room for more.
    this.#entries = before.concat(at, severity, description.slice(0, longestDescription), channelId);
  }

  /** The oldest first. */
  get events(): readonly TraceEvent[] {
    const events: TraceEvent[] = [];
    for (let i = 0; i < this.#entries.length; i += width) {
      const [at, severity, description, channelId] = this.#entries.slice(i, i + width) as [
        number,
        Severity,
        string,
        number | undefined,
      ];
      events.push({ at: this.createdAt + at, severity, description, channelId });
    }
    return events;
  }

  /** All that there were, with those that are not kept. */
  get logged(): number {
    return this.#logged;
  }
}
