import type { EventTrace, Severity, TraceEvent } from "../event-trace.js";
import { type ChannelTrace, type ChannelTraceEvent, ChannelTraceEvent_Severity as Wire } from "./generated.js";
import { timestamp } from "./times.js";

const severities: { readonly [S in Severity]: ChannelTraceEvent["severity"] } = {
  info: Wire.CT_INFO,
  warning: Wire.CT_WARNING,
  error: Wire.CT_ERROR,
};

export function traceMessage({ logged, createdAt, events }: EventTrace): ChannelTrace {
  return {
    numEventsLogged: BigInt(logged),
    creationTimestamp: timestamp(createdAt),
    events: events.map(eventMessage),
  };
}

function eventMessage({ at, severity, description, channelId }: TraceEvent): ChannelTraceEvent {
  return {
    description,
    severity: severities[severity],
    timestamp: timestamp(at),
    childRef:
      channelId === undefined
        ? undefined
        : { $case: "subchannelRef", value: { subchannelId: BigInt(channelId), name: "" } },
  };
}
