import { wallClockOf } from "../wall-clock.js";
import type { Timestamp } from "./generated.js";

/** @param epochMs whole milliseconds since the epoch */
export function timestamp(epochMs: number): Timestamp {
  return { seconds: BigInt(Math.floor(epochMs / 1000)), nanos: (epochMs % 1000) * 1_000_000 };
}

/** @param at monotonic milliseconds; undefined where it has not happened */
export function timestampOf(at: number | undefined): Timestamp | undefined {
  return at === undefined ? undefined : timestamp(wallClockOf(at));
}
