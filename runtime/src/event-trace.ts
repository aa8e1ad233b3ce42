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

/**
 * The last events of one thing, and how many there were. Always kept, for who looks at a process only after something
 * has gone wrong: it costs nothing per call, and some kilobytes at most.
 */
export class EventTrace {
  /** Milliseconds since the epoch. */
  readonly createdAt: number = Date.now();
  readonly #events: TraceEvent[] = [];
  #logged = 0;

  add(severity: Severity, description: string, channelId?: number): void {
    this.#logged++;
    this.#events.push({ at: Date.now(), severity, description: description.slice(0, longestDescription), channelId });
    if (this.#events.length > kept) this.#events.shift();
  }

  /** The oldest first. */
  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  /** All that there were, with those that are not kept. */
  get logged(): number {
    return this.#logged;
  }
}
