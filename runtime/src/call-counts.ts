import { Code } from "./status.js";

/** How many calls there were of one thing, and how they ended: some additions a call. */
export class CallCounts {
  started = 0;
  succeeded = 0;
  failed = 0;
  /** When the last was started: monotonic milliseconds. Undefined where there was none. */
  lastStartedAt: number | undefined;

  onStart(at: number): void {
    this.started++;
    this.lastStartedAt = at;
  }

  /** @param code undefined takes it back: it was none */
  onEnd(code: Code | undefined): void {
    if (code === Code.OK) this.succeeded++;
    else if (code === undefined) this.started--;
    else this.failed++;
  }

  get inFlight(): number {
    return this.started - this.succeeded - this.failed;
  }
}
