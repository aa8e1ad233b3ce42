import type { ConnectionStats } from "../connection/connection-stats.js";
import { registry } from "../connection/registry.js";
import { identityOf } from "../identity.js";
import type { Server, ServerStats } from "../server/server.js";
import type { RecentEvent } from "./recent-events.js";

/**
 * All that a status page shows, at one point in time. As JSON it lacks what is undefined, and has null for the
 * `Infinity` up to which the last bucket of a histogram goes.
 */
export interface StatusSnapshot {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds until the next, in a stream of them. */
  readonly everyMs: number;
  readonly process: {
    readonly pid: number;
    /** `v24.1.0` */
    readonly nodeVersion: string;
    readonly uptimeMs: number;
  };
  readonly server: ServerStats;
  /** What this process has dialled and not closed. */
  readonly connections: readonly (ConnectionStats & {
    /** Its own for as long as it lives: several may have one target. */
    readonly id: number;
    /** It is none that lasts: each call has one of its own, which this tells of together. */
    readonly isShort: boolean;
  })[];
  /** What happened to long connections while somebody looked, the last first. */
  readonly events: readonly RecentEvent[];
}

export function takeSnapshot(
  server: Pick<Server, "stats">,
  everyMs: number,
  events: readonly RecentEvent[],
): StatusSnapshot {
  return {
    at: Date.now(),
    everyMs,
    process: { pid: process.pid, nodeVersion: process.version, uptimeMs: process.uptime() * 1000 },
    server: server.stats(),
    connections: registry.all().map((connection) => ({
      ...connection.stats,
      id: identityOf(connection),
      isShort: connection.settings.short,
    })),
    events,
  };
}
