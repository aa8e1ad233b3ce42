/** Listens on sockets, the same for every transport that speaks on them: addresses, TLS, and who is let in. */
import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import type { BoundSockets, ConnectionGate } from "../contract.js";
import type { ServerCredentials } from "../credentials.js";
import type { RpcError } from "../error.js";
import { Code } from "../status.js";
import { AcceptedSockets, type OnSocket } from "./accepted-sockets.js";
import { addressesOf, clearPath, dialledAs, notListening, type Place, parseAddress } from "./listen-address.js";
import { terminateTls } from "./server-tls.js";

/** What listens on an address. */
export interface Listener {
  /** As a client would dial it. */
  readonly address: string;
  /** 0 where it is no TCP port. */
  readonly port: number;
  readonly sockets: BoundSockets;
  /** Takes no more connections; those that speak already are not touched. */
  close(): void;
  /** Told of a connection whose client has begun to speak HTTP/2. */
  hasSpoken(socket: Socket): void;
  /** Until all connections that were taken speak. */
  allSpeak(): Promise<void>;
  /** Closes all connections that are still open; resolves when they are closed. */
  destroy(): Promise<void>;
}

/** Tries of a free port that has to be free at several addresses. */
const portTries = 5;

/** Milliseconds that a client has from its connection to the first bytes of HTTP/2, TLS included. */
const defaultOpeningMs = 20_000;

/**
 * Takes connections on `host:port`, `unix:/path` or `fd:number`. A host name is listened on at all of its addresses.
 *
 * @param openingMs milliseconds in which a client that connects has to begin to speak
 * @throws RpcError INVALID_ARGUMENT for an address or credentials that cannot be used; UNAVAILABLE where somebody else
 *   listens there, or it is not this machine's
 */
export async function listen(
  address: string,
  credentials: ServerCredentials,
  gate: ConnectionGate,
  onSocket: OnSocket,
  openingMs: number = defaultOpeningMs,
): Promise<Listener> {
  const place = parseAddress(address);
  const sockets = new AcceptedSockets(gate, onSocket, openingMs);
  const speak = (socket: Socket) => sockets.speak(socket);
  const tls = credentials.kind === "insecure" ? undefined : await terminateTls(credentials, speak, openingMs);
  const accept = (socket: Socket) => {
    // Asked before TLS costs anything.
    if (sockets.admit(socket)) tls === undefined ? speak(socket) : tls.take(socket);
  };
  try {
    const servers = await bindAll(address, place, accept);
    const [first] = servers;
    return {
      address: dialledAs(address, first!.address()),
      port: portOf(first!),
      sockets: { listening: servers, accepted: sockets.speaking },
      close() {
        for (const server of servers) server.close();
        sockets.close();
        tls?.close();
      },
      hasSpoken: (socket) => sockets.hasSpoken(socket),
      allSpeak: () => sockets.allSpeak(),
      destroy: () => sockets.destroy(),
    };
  } catch (error) {
    tls?.close();
    throw error;
  }
}

async function bindAll(address: string, place: Place, accept: (socket: Socket) => void): Promise<Server[]> {
  if ("path" in place) await clearPath(address, place.path);
  if (!("host" in place)) return bindEach(address, [place], accept);
  const places = (await addressesOf(address, place.host)).map((host) => ({ host, port: place.port }));
  for (let tries = 1; ; tries++) {
    try {
      return await bindEach(address, places, accept);
    } catch (error) {
      // A port that was free at the first of several addresses need not be at the second.
      const mayBeFree = places.length > 1 && place.port === 0 && (error as RpcError).code === Code.UNAVAILABLE;
      if (!mayBeFree || tries === portTries) throw error;
    }
  }
}

async function bindEach(
  address: string,
  places: readonly Place[],
  accept: (socket: Socket) => void,
): Promise<Server[]> {
  const servers: Server[] = [];
  let port = 0;
  let absent: unknown;
  for (const place of places) {
    const server = createServer(accept);
    try {
      await bind(server, port === 0 ? place : { ...place, port });
      servers.push(server);
      port = portOf(server);
    } catch (error) {
      // A host name may stand for an address that this machine has not got, as ::1 of localhost.
      if (isAbsent(error)) absent = error;
      else {
        for (const one of servers) one.close();
        throw notListening(address, error);
      }
    }
  }
  if (servers.length === 0) throw notListening(address, absent);
  return servers;
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

/** 0 where it is no TCP port. */
function portOf(server: Server): number {
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

function bind(server: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // `fd` is missing in the declarations.
    server.listen(place as ListenOptions, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
