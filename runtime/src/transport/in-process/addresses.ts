/** The addresses of an isolate on which servers listen without a socket. */
import { misuse, RpcError } from "../../error.js";
import { Code } from "../../status.js";
import { parseTarget } from "../../target.js";
import type { Endpoint } from "./endpoint.js";

/**
 * On `globalThis`, so that a client of one copy of this package finds a server of another; not that of a version whose
 * calls are made otherwise.
 */
const place = Symbol.for("trunkline.in-process.1");
const everywhere = globalThis as { [place]?: { endpoints: Map<string, Endpoint>; ports: number; clients: number } };
everywhere[place] ??= { endpoints: new Map(), ports: 0, clients: 0 };
const shared: { endpoints: Map<string, Endpoint>; ports: number; clients: number } = everywhere[place];

/** The ports that systems, too, give to whoever wants any. */
const firstFreePort = 49_152;
const freePorts = 65_536 - firstFreePort;

/** An address to listen on, read. */
export interface Place {
  /** As a client would dial it. */
  readonly address: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** Equal for all addresses that are the same place. */
  readonly key: string;
}

/**
 * Reads `host:port` (port 0 takes a free one) or `unix:/path`.
 *
 * @throws RpcError INVALID_ARGUMENT for an address that cannot be used; UNAVAILABLE for one that is taken
 */
export function freePlace(address: string): Place {
  const found = readPlace(address);
  if (!shared.endpoints.has(found.key)) return found;
  const cause = new Error(`listen EADDRINUSE: address already in use ${address}`);
  throw new RpcError(Code.UNAVAILABLE, `cannot listen on ${address}: ${cause.message}`, { cause });
}

export function occupy({ key }: Place, endpoint: Endpoint): void {
  shared.endpoints.set(key, endpoint);
}

export function vacate({ key }: Place): void {
  shared.endpoints.delete(key);
}

/**
 * The server at a target, or why there is none: of several addresses, at the first where one listens.
 *
 * @param target as gRPC naming writes it
 */
export function endpointAt(target: string): Endpoint | string {
  const keys = placesOf(target);
  const key = keys.find((one) => shared.endpoints.has(one));
  if (key !== undefined) return shared.endpoints.get(key)!;
  return `connect ECONNREFUSED ${keys.join(", ")}: no server of this process listens there with the transport in-process`;
}

/** Where a target may be. Throws an INVALID_ARGUMENT for one that names no addresses. */
export function placesOf(target: string): string[] {
  if (/^unix(-abstract)?:/.test(target)) return [target];
  if (target.startsWith("xds:")) {
    throw misuse(`the transport in-process knows no xds: targets, as ${target}; use grpc-js, or inProcess(server)`);
  }
  const addresses = target.replace(/^[a-z0-9]+:(\/\/[^/]*\/)?/, "").split(",");
  return addresses.map((address) => keyOf(address));
}

/** What a client is called by its server: no two that are connected at a time have one address. */
export function nextClientAddress(): string {
  shared.clients++;
  return `127.0.0.1:${firstFreePort + (shared.clients % freePorts)}`;
}

function readPlace(address: string): Place {
  if (address.startsWith("unix:")) return { address, port: 0, key: parseTarget(address).uri };
  const port = Number(/:(\d+)$/.exec(address)?.[1] ?? Number.NaN);
  if (Number.isNaN(port) || address.startsWith("fd:")) {
    throw misuse(`cannot listen on ${address} with the transport in-process: write host:port, host:0 or unix:/path`);
  }
  if (port !== 0) return { address, port, key: keyOf(address) };
  for (let tries = 0; tries < freePorts; tries++) {
    const free = firstFreePort + (shared.ports++ % freePorts);
    const found = address.replace(/:0+$/, `:${free}`);
    const key = keyOf(found);
    if (!shared.endpoints.has(key)) return { address: found, port: free, key };
  }
  throw new RpcError(Code.UNAVAILABLE, `cannot listen on ${address}: no port is free in this process`);
}

/** Who listens on all addresses of a machine is found at its loopback ones, and those are one machine. */
const thisMachine = /^(127\.0\.0\.1|::1|0\.0\.0\.0|::|localhost|.*\.localhost)$/i;

function keyOf(address: string): string {
  const { host, authority } = parseTarget(address);
  const port = authority.slice(authority.lastIndexOf(":"));
  return thisMachine.test(host) ? `127.0.0.1${port}` : `${host.toLowerCase()}${port}`;
}
