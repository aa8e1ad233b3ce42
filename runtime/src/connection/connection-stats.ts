import type { State } from "../contract.js";

/** What a connection is doing and has done. */
export interface ConnectionStats {
  readonly target: string;
  readonly state: State;
  /** Milliseconds that the oldest of its channels has been connected; undefined while none is. */
  readonly ageMs: number | undefined;
  /** Channels that take calls: one, or those of the pool. */
  readonly channels: number;
  readonly callsStarted: number;
  readonly callsSucceeded: number;
  readonly callsFailed: number;
  readonly inFlight: number;
  /** Undefined where none was started yet. */
  readonly lastCallStartedAt: Date | undefined;
  /** Calls that wait: for a channel that is being opened, or for room on one. */
  readonly queued: number;
  /** Times that a socket was connected, but for the first. */
  readonly reconnects: number;
  /** Why a socket was last lost or could not be had, or why a peer took no calls (`healthCheck`). */
  readonly lastError: string | undefined;
}
