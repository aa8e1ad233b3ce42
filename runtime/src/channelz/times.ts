import { wallClockOf } from "../wall-clock.js";
import type { Timestamp } from "./generated.js";

/** @param epochMs whole milliseconds since the epoch */
export function timestamp(epochMs: number): Timestamp {
  return { seconds: BigInt(Math.floor(epochMs / 1000)), nanos: (epochMs % 1000) * 1_000_000 };
}

/**
 * When the last of something was: the epoch where there was none, as grpc-go and grpc-java have it. The field may be left
 * out by the proto, but grpcdebug ends with a nil pointer then.
 *
 * @param at monotonic milliseconds
 */
export function lastTimestamp(at: number | undefined): Timestamp {
  return timestamp(at === undefined ? 0 : wallClockOf(at));
}
