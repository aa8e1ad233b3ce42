import type { Socket } from "node:net";
import type { BoundSockets } from "../contract.js";
import { identityOf } from "../identity.js";
import type { Server } from "../server/server.js";
import type { Server as ServerMessage } from "./generated.js";
import { listenSocketRef } from "./socket-messages.js";
import { lastTimestamp } from "./times.js";
import { traceMessage } from "./trace-message.js";

export function serverMessage(server: Server): ServerMessage {
  const { trace, bound, calls } = server.observed;
  const sum = (count: "started" | "succeeded" | "failed") =>
    BigInt(calls.reduce((total, { [count]: one }) => total + one, 0));
  const times = calls.flatMap(({ lastStartedAt }) => lastStartedAt ?? []);
  const last = times.length === 0 ? undefined : Math.max(...times);
  return {
    ref: { serverId: BigInt(identityOf(server)), name: bound.map(({ address }) => address).join(", ") },
    data: {
      trace: traceMessage(trace),
      callsStarted: sum("started"),
      callsSucceeded: sum("succeeded"),
      callsFailed: sum("failed"),
      lastCallStartedTimestamp: lastTimestamp(last),
    },
    listenSocket: listeningOf(server).map(listenSocketRef),
  };
}

/** Where it listens still. */
export function listeningOf(server: Server): BoundSockets["listening"] {
  return server.observed.bound.flatMap(({ sockets }) => sockets?.listening.filter(({ listening }) => listening) ?? []);
}

/** The connections that it has accepted. */
export function* acceptedBy(server: Server): Generator<Socket> {
  for (const { sockets } of server.observed.bound) if (sockets !== undefined) yield* sockets.accepted;
}
