import type { CallCounts } from "../call-counts.js";
import type { Bound } from "../contract.js";
import type { EventTrace } from "../event-trace.js";

/** What a server shows of its inside to who looks at the process. */
export interface ObservedServer {
  readonly trace: EventTrace;
  readonly bound: readonly Bound[];
  /** Of each of its methods. */
  readonly calls: readonly Readonly<CallCounts>[];
}
