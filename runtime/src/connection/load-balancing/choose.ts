/** Which of several connections a call takes. None is given to one that has no room. */
import type { SocketConnection } from "../../contract.js";

export type Choose = (ready: readonly SocketConnection[]) => SocketConnection | undefined;

/** One after the other. Begins anywhere, so that many clients do not all begin with the same server. */
export function inTurn(): Choose {
  let turn = Math.floor(Math.random() * 2 ** 16);
  return (ready) => {
    for (let tries = ready.length; tries > 0; tries--) {
      const connection = ready[turn++ % ready.length]!;
      if (connection.hasRoom) return connection;
    }
    return undefined;
  };
}

/** Of so many, taken at random, the one with the fewest calls in flight: gRFC A48. */
export function leastRequest(choiceCount: number): Choose {
  return (ready) => {
    let best: SocketConnection | undefined;
    for (let tries = choiceCount; tries > 0; tries--) {
      const connection = ready[Math.floor(Math.random() * ready.length)];
      if (connection?.hasRoom === true && isLess(connection, best)) best = connection;
    }
    if (best !== undefined) return best;
    // All that were tried are full; a call does not wait where another has room.
    for (const connection of ready) if (connection.hasRoom && isLess(connection, best)) best = connection;
    return best;
  };
}

function isLess(connection: SocketConnection, best: SocketConnection | undefined): boolean {
  return best === undefined || connection.callsInFlight < best.callsInFlight;
}
