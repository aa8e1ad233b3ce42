/** Listens on sockets, the same for every transport that speaks on them: addresses, TLS, and who is let in. */
import { lookup } from "node:dns/promises";
import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, isIP, type ListenOptions, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionGate } from "../contract.js";
import type { ServerCredentials } from "../credentials.js";
import { misuse, RpcError } from "../error.js";
import { Code } from "../status.js";
import { parseTarget } from "../target.js";
import { tlsServer } from "./server-tls.js";

/** What listens on an address. */
export interface Listener {
  /** As a client would dial it. */
  readonly address: string;
  /** 0 where it is no TCP port. */
  readonly port: number;
  /** Takes no more connections; those that it took are not touched. */
  close(): void;
}

/** Tries of a free port that has to be free at several addresses. */
const portTries = 5;

/**
 * Takes connections on `host:port`, `unix:/path` or `fd:number`. A host name is listened on at all of its addresses.
 *
 * @param onSocket gets each connection, encrypted where it is to be, and has to close it
 * @throws RpcError INVALID_ARGUMENT for an address or credentials that cannot be used; UNAVAILABLE where somebody else
 *   listens there, or it is not this machine's
 */
export async function listen(
  address: string,
  credentials: ServerCredentials,
  gate: ConnectionGate,
  onSocket: (socket: Socket | TLSSocket) => void,
): Promise<Listener> {
  const where = parseAddress(address);
  const make = (isClosed: () => boolean) =>
    // A handshake may take until after the end.
    makeServer(credentials, gate, (socket) => (isClosed() ? void socket.destroy() : onSocket(socket)));
  if ("path" in where) await removeStale(where.path);
  if (!("host" in where)) return listenOn(address, make, [where]);
  const hosts = await addressesOf(address, where.host);
  for (let tries = 1; ; tries++) {
    try {
      return await listenOn(
        address,
        make,
        hosts.map((host) => ({ host, port: where.port })),
      );
    } catch (error) {
      // A port that was free at the first of several addresses need not be at the second.
      if (where.port !== 0 || tries === portTries || (error as RpcError).code !== Code.UNAVAILABLE) throw error;
    }
  }
}

async function listenOn(
  address: string,
  make: (isClosed: () => boolean) => Promise<Server>,
  places: readonly Place[],
): Promise<Listener> {
  const servers: Server[] = [];
  let closed = false;
  const close = () => {
    closed = true;
    for (const server of servers) server.close();
  };
  let port = 0;
  let absent: unknown;
  for (const place of places) {
    const server = await make(() => closed);
    try {
      await bind(server, port === 0 ? place : { ...place, port });
      servers.push(server);
      port = portOf(server);
    } catch (error) {
      // A host name may stand for an address that this machine has not got, as ::1 of localhost.
      if (isAbsent(error)) absent = error;
      else {
        close();
        throw notListening(address, error);
      }
    }
  }
  if (servers.length === 0) throw notListening(address, absent);
  return { address: port === 0 ? address : address.replace(/:\d+$/, `:${port}`), port, close };
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

function notListening(address: string, cause: unknown): RpcError {
  return new RpcError(Code.UNAVAILABLE, `cannot listen on ${address}: ${RpcError.from(cause).details}`, { cause });
}

async function makeServer(
  credentials: ServerCredentials,
  gate: ConnectionGate,
  onSocket: (socket: Socket) => void,
): Promise<Server> {
  const server = credentials.kind === "insecure" ? createServer(onSocket) : await tlsServer(credentials, onSocket);
  // Before TLS costs anything. Whoever is not let in is closed without a word, and tries again after its backoff.
  server.prependListener("connection", (socket: Socket) => {
    const leave = gate.open();
    if (leave === undefined) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    socket.on("close", leave);
    // A connection that breaks is reported to those who speak on it.
    socket.on("error", () => {});
  });
  return server;
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

type Place = { readonly host: string; readonly port: number } | { readonly path: string } | { readonly fd: number };

function parseAddress(address: string): Place {
  const fd = /^fd:(\d+)$/.exec(address)?.[1];
  if (fd !== undefined) return { fd: Number(fd) };
  if (address.startsWith("unix:")) return { path: parseTarget(address).uri.slice("unix:".length) };
  if (!/:\d+$/.test(address)) {
    throw misuse(
      `cannot listen on ${address}: it names no port; write ${address}:50051, or ${address}:0 for a free one`,
    );
  }
  const { host, authority } = parseTarget(address);
  return { host, port: Number(authority.slice(authority.lastIndexOf(":") + 1)) };
}

/** A process that was killed leaves its unix socket behind: where nobody answers, it is in the way. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  const isStale = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(false);
    });
    probe.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
  if (isStale) await unlink(path).catch(() => {});
}

async function addressesOf(address: string, host: string): Promise<string[]> {
  if (isIP(host)) return [host];
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map((one) => one.address))];
  } catch (cause) {
    throw notListening(address, cause);
  }
}
