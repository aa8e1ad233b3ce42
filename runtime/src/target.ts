import { isIPv4, isIPv6 } from "node:net";
import { describe, misuse, type RpcError } from "./error.js";

/** A target of gRPC naming (gRPC Name Resolution document), read. */
export interface Target {
  /** One spelling for all that mean the same: `localhost:1` and `dns:///localhost:1` share a connection. */
  readonly uri: string;
  /** What `:authority` says unless a dial option does. */
  readonly authority: string;
  /** The authority without its port. */
  readonly host: string;
  /** On this machine for certain: a loopback address or a unix socket. */
  readonly local: boolean;
  readonly place: Place;
}

/** Where a target says that its server is. */
export type Place =
  /** Behind a name, or an address in its place; `server` is the DNS server to ask, where the target names one. */
  | { readonly kind: "name"; readonly host: string; readonly port: number; readonly server: string | undefined }
  /** At any of these addresses. */
  | { readonly kind: "addresses"; readonly addresses: readonly HostPort[] }
  /** At a unix socket: a path, or a zero byte and an abstract name. */
  | { readonly kind: "path"; readonly path: string }
  /** At a name that the socket itself looks up. */
  | { readonly kind: "passthrough"; readonly host: string; readonly port: number }
  /** Where a control plane says. */
  | { readonly kind: "xds" };

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The port of a target that names none, as gRPC naming has it. */
const defaultPort = 443;

/** `sun_path` of `sockaddr_un` on Linux, less the zero byte before an abstract name. */
const longestAbstractBytes = 107;

const forms = 'such as "host:50051", "dns:///host:50051", "ipv4:10.0.0.1:50051", "ipv6:[::1]:50051" or "unix:/path"';

/** Reads a target; one that cannot be read, or whose scheme is unknown, is an INVALID_ARGUMENT that shows it. */
export function parseTarget(target: string): Target {
  if (typeof target !== "string" || target === "") {
    throw misuse(`a target is a text ${forms}, not ${describe(target)}`);
  }
  // What is before a port and nothing else is a host; no host is called unix-abstract.
  const scheme = /^(unix-abstract(?=:)|[a-z][a-z0-9+.-]*(?=:(?!\d+$)))/.exec(target)?.[1];
  if (scheme === undefined) return dns(target, target);
  const rest = target.slice(scheme.length + 1);
  switch (scheme) {
    case "dns": {
      const path = /^\/\/([^/]*)\/(.+)$/.exec(rest);
      if (path === null) return dns(target, rest);
      return dns(target, path[2]!, path[1]);
    }
    case "unix": {
      const path = rest.startsWith("///") ? rest.slice(2) : rest;
      if (path === "") throw unreadable(target, "it names no path");
      return { uri: `unix:${path}`, ...thisMachine, place: { kind: "path", path } };
    }
    case "unix-abstract": {
      const bytes = Buffer.byteLength(rest);
      if (bytes === 0) throw unreadable(target, "it names no socket");
      if (bytes > longestAbstractBytes) {
        throw unreadable(target, `the name of a socket has ${longestAbstractBytes} bytes at most, not ${bytes}`);
      }
      return { uri: target, ...thisMachine, place: { kind: "path", path: `\0${rest}` } };
    }
    case "passthrough": {
      const { host, port } = splitPort(target, /^\/\/[^/]*\/(.+)$/.exec(rest)?.[1] ?? rest);
      const name = nameOf(host, port);
      const place: Place = { kind: "passthrough", host, port };
      return { uri: `passthrough:///${name}`, authority: name, host, local: isLoopback(host), place };
    }
    case "ipv4":
    case "ipv6": {
      const texts = rest.split(",");
      const addresses = texts.map((address) => splitPort(target, address));
      const isOne = scheme === "ipv4" ? isIPv4 : isIPv6;
      const wrong = addresses.find(({ host }) => !isOne(host));
      if (wrong !== undefined)
        throw unreadable(target, `"${wrong.host}" is no ${scheme === "ipv4" ? "IPv4" : "IPv6"} address`);
      const local = addresses.every(({ host }) => isLoopback(host));
      const place: Place = { kind: "addresses", addresses };
      return { uri: target, authority: texts[0]!, host: addresses[0]!.host, local, place };
    }
    case "xds": {
      const name = /^\/\/[^/]*\/(.+)$/.exec(rest)?.[1];
      if (name === undefined) throw unreadable(target, "it names no service");
      return { uri: target, authority: name, host: name.replace(/:\d+$/, ""), local: false, place: { kind: "xds" } };
    }
    default:
      throw unreadable(target, `its scheme "${scheme}" is unknown`);
  }
}

/** Whether only this machine can reach what listens on `address` (`host:port` or `unix:/path`). */
export function isLocalAddress(address: string): boolean {
  return parseTarget(address).local;
}

const thisMachine = { authority: "localhost", host: "localhost", local: true } as const;

function dns(target: string, address: string, server = ""): Target {
  const { host, port } = splitPort(target, address);
  const name = nameOf(host, port);
  const place: Place = { kind: "name", host, port, server: server === "" ? undefined : server };
  return { uri: `dns://${server}/${name}`, authority: name, host, local: isLoopback(host), place };
}

/** As a target, an event or a `:authority` writes it. */
export function nameOf(host: string, port: number): string {
  // Joined, which makes one text; one that is put together with + keeps its parts, and is three times as large.
  return [isIPv6(host) ? `[${host}]` : host, port].join(":");
}

function splitPort(target: string, address: string): HostPort {
  if (isIPv6(address)) return { host: address, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(address);
  if (match === null) throw unreadable(target, `"${address}" is not host:port`);
  if (match[1] !== undefined && !isIPv6(match[1])) throw unreadable(target, `[${match[1]}] is no IPv6 address`);
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port > 65535) throw unreadable(target, `port ${port} is above 65535`);
  return { host: (match[1] ?? match[2])!, port };
}

/** Whether it can only mean the machine that asks. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return host === "localhost" || host === "::1" || host.endsWith(".localhost");
}

function unreadable(target: string, why: string): RpcError {
  return misuse(`cannot read the target ${JSON.stringify(target)}: ${why}; write one ${forms}`);
}
