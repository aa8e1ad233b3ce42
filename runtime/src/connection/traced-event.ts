import type { ConnectionEvent, State } from "../contract.js";
import type { EventTrace, Severity } from "../event-trace.js";

/**
 * @param isDraining the channel is being closed: that its sockets are, is no fault
 * @param channelId of the channel that it happened to, in the trace of the whole connection
 */
export function traceEvent(trace: EventTrace, event: ConnectionEvent, isDraining: boolean, channelId?: number): void {
  const isFine = event.type === "health" ? event.serving : isDraining && event.type === "disconnected";
  const severity = isFine ? "info" : severities[event.type];
  trace.add(severity, describeEvent(event), channelId);
}

export function traceState(trace: EventTrace, state: State): void {
  trace.add(state === "TRANSIENT_FAILURE" ? "warning" : "info", stateTexts[state]);
}

/** Written out, so that all traces have the same. */
const stateTexts: { readonly [S in State]: string } = {
  IDLE: "is IDLE",
  CONNECTING: "is CONNECTING",
  READY: "is READY",
  TRANSIENT_FAILURE: "is TRANSIENT_FAILURE",
  SHUTDOWN: "is SHUTDOWN",
};

const severities: { readonly [Type in ConnectionEvent["type"]]: Severity } = {
  connected: "info",
  disconnected: "warning",
  goaway: "info",
  backoff: "warning",
  health: "warning",
};

function describeEvent(event: ConnectionEvent): string {
  switch (event.type) {
    case "connected":
      return `connected to ${event.peer}`;
    case "disconnected":
      return `disconnected from ${event.peer}: ${event.reason}`;
    case "goaway":
      return `GOAWAY from ${event.peer}: ${event.reason}`;
    case "backoff":
      return `could not connect, next attempt in about ${event.backoffMs} ms: ${event.reason}`;
    case "health":
      return event.reason;
  }
}
