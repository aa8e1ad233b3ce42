import { constants } from "node:os";
import { longestTimerMs } from "../deadline.js";
import type { Server, ShutdownOptions, ShutdownReport } from "./server.js";

export interface SignalOptions extends ShutdownOptions {
  /** Default SIGTERM, which orchestrators send, and SIGINT, which Ctrl-C does. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** Called when the server has stopped, and awaited: closes databases, flushes logs. */
  readonly onStopped?: ((report: ShutdownReport) => void | Promise<void>) | undefined;
}

/** See `Server.installSignalHandlers`. */
export function installSignalHandlers(server: Server, options: SignalOptions): () => void {
  const { signals = ["SIGTERM", "SIGINT"], onStopped, ...shutdown } = options;
  let stopping = false;
  const uninstall = () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) {
      // Who asks twice is in a hurry; the first to be asked tells of the end.
      void server.shutdown({ graceMs: 0 });
      return;
    }
    stopping = true;
    void stop(signal);
  };
  const stop = async (signal: NodeJS.Signals) => {
    // What is waited for need not hold the process open, as a connection that is being closed does not.
    const alive = setInterval(() => {}, longestTimerMs);
    try {
      const report = await server.shutdown(shutdown);
      await onStopped?.(report);
    } catch (error) {
      console.error("installSignalHandlers(): onStopped failed:", error);
    } finally {
      clearInterval(alive);
      uninstall();
      // Ends the process as the signal would have, unless somebody else handles it: whoever sent it can tell.
      process.kill(process.pid, signal);
      // Still here: process 1 of a container, to which a signal does nothing that nobody handles.
      if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return uninstall;
}
