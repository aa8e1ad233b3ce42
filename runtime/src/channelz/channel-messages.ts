/** Long connections, and the channels of their pools, as channelz shows them. */
import type { CallCounts } from "../call-counts.js";
import type { Connection } from "../connection/connection.js";
import type { PooledChannel } from "../connection/pooled-channel.js";
import type { State } from "../contract.js";
import type { EventTrace } from "../event-trace.js";
import { identityOf } from "../identity.js";
import {
  type Channel,
  type ChannelData,
  type Subchannel,
  ChannelConnectivityState_State as Wire,
} from "./generated.js";
import { socketRef } from "./socket-messages.js";
import { lastTimestamp } from "./times.js";
import { traceMessage } from "./trace-message.js";

/** Calls are spread over the channels of its pool: those are its subchannels, and the sockets are theirs. */
export function channelMessage(connection: Connection): Channel {
  const { target } = connection.settings;
  return {
    ref: { channelId: BigInt(identityOf(connection)), name: target },
    data: channelData(connection, target),
    channelRef: [],
    subchannelRef: connection.channels.map((channel) => subchannelRef(channel, target)),
    socketRef: [],
  };
}

/** @param target of its connection */
export function subchannelMessage(channel: PooledChannel, target: string): Subchannel {
  return {
    ref: subchannelRef(channel, target),
    data: channelData(channel, target),
    channelRef: [],
    subchannelRef: [],
    socketRef: Array.from(channel.sockets, socketRef),
  };
}

function subchannelRef(channel: PooledChannel, target: string) {
  return { subchannelId: BigInt(identityOf(channel)), name: target };
}

interface Observed {
  readonly state: State;
  readonly calls: Readonly<CallCounts>;
  readonly trace: EventTrace;
}

function channelData({ state, calls, trace }: Observed, target: string): ChannelData {
  return {
    state: { state: Wire[state] },
    target,
    trace: traceMessage(trace),
    callsStarted: BigInt(calls.started),
    callsSucceeded: BigInt(calls.succeeded),
    callsFailed: BigInt(calls.failed),
    lastCallStartedTimestamp: lastTimestamp(calls.lastStartedAt),
  };
}
