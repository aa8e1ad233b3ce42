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
}

/** The port of a target that names none, as gRPC naming has it. */
const defaultPort = 443;

const forms = 'such as "host:50051", "dns:///host:50051", "ipv4:10.0.0.1:50051", "ipv6:[::1]:50051" or "unix:/path"';

/** Reads a target; one that cannot be read, or whose scheme is unknown, is an INVALID_ARGUMENT that shows it. */
export function parseTarget(target: string): Target {
  if (typeof target !== "string" || target === "") {
    throw misuse(`a target is a text ${forms}, not ${describe(target)}`);
  }
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d+$)/.exec(target)?.[1];
  if (scheme === undefined) return dns(target, target);
  const rest = target.slice(scheme.length + 1);
  switch (scheme) {
    case "dns": {
      const path = /^\/\/([^/]*)\/(.+)$/.exec(rest);
      if (path === null) return dns(target, rest);
      const found = dns(target, path[2]!);
      return { ...found, uri: found.uri.replace("///", `//${path[1]}/`) };
    }
    case "unix": {
      const path = rest.startsWith("///") ? rest.slice(2) : rest;
      if (path === "") throw unreadable(target, "it names no path");
      return { uri: `unix:${path}`, authority: "localhost", host: "localhost", local: true };
    }
    case "ipv4":
    case "ipv6": {
      const addresses = rest.split(",");
      const hosts = addresses.map((address) => splitPort(target, address).host);
      return { uri: target, authority: addresses[0]!, host: hosts[0]!, local: hosts.every(isLoopback) };
    }
    case "xds": {
      const name = /^\/\/[^/]*\/(.+)$/.exec(rest)?.[1];
      if (name === undefined) throw unreadable(target, "it names no service");
      return { uri: target, authority: name, host: name.replace(/:\d+$/, ""), local: false };
    }
    default:
      throw unreadable(target, `its scheme "${scheme}" is unknown`);
  }
}

/** Whether only this machine can reach what listens on `address` (`host:port` or `unix:/path`). */
export function isLocalAddress(address: string): boolean {
  return parseTarget(address).local;
}

function dns(target: string, address: string): Target {
  const { host, port } = splitPort(target, address);
  const name = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  return { uri: `dns:///${name}`, authority: name, host, local: isLoopback(host) };
}

function splitPort(target: string, address: string): { host: string; port: number } {
  if (isIPv6(address)) return { host: address, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(address);
  if (match === null) throw unreadable(target, `"${address}" is not host:port`);
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port > 65535) throw unreadable(target, `port ${port} is above 65535`);
  return { host: (match[1] ?? match[2])!, port };
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return host === "localhost" || host === "::1" || host.endsWith(".localhost");
}

function unreadable(target: string, why: string): RpcError {
  return misuse(`cannot read the target ${JSON.stringify(target)}: ${why}; write one ${forms}`);
}
