import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ConnectionDiagnostic } from "../connection/diagnostics.js";

/** Something that happened to a long connection. */
export interface RecentEvent {
  /** Counts up. */
  readonly number: number;
  /** When: milliseconds since the epoch. */
  readonly at: number;
  readonly target: string;
  readonly type: ConnectionDiagnostic["type"];
  readonly peer?: string | undefined;
  readonly reason?: string | undefined;
  /** Until the next attempt to connect. */
  readonly backoffMs?: number | undefined;
}

/** How many are kept. */
const kept = 30;

/** The last events of all long connections, noted from `start` to `stop`. */
export class RecentEvents {
  readonly #events: RecentEvent[] = [];
  #count = 0;

  start(): void {
    subscribe("trunkline:connection", this.#note);
  }

  stop(): void {
    unsubscribe("trunkline:connection", this.#note);
  }

  /** The last one first. */
  get all(): readonly RecentEvent[] {
    return [...this.#events];
  }

  readonly #note = (message: unknown): void => {
    this.#events.unshift({ number: ++this.#count, at: Date.now(), ...(message as ConnectionDiagnostic) });
    this.#events.splice(kept);
  };
}
