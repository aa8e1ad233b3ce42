/**
 * Which proxy the environment names for a target: `grpc_proxy`, else `https_proxy`, else `http_proxy`, unless
 * `no_grpc_proxy`, else `no_proxy`, has it (the gRPC "HTTP CONNECT proxy" document). Only in small letters, as grpc-js
 * and C-core read them.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import { misuse } from "../../error.js";
import { nameOf } from "../../target.js";
import type { Tunnel } from "./address.js";

export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly tunnel: Tunnel;
}

/** What port a proxy has whose URL names none. */
const defaultPort = 80;

/**
 * The proxy through which a host is to be reached; undefined where there is none.
 *
 * @throws RpcError INVALID_ARGUMENT for a proxy that cannot be used: to go round it is not for us to decide
 */
export function proxyFor(host: string, port: number, environment: NodeJS.ProcessEnv): Proxy | undefined {
  const variable = ["grpc_proxy", "https_proxy", "http_proxy"].find((one) => (environment[one] ?? "") !== "");
  if (variable === undefined) return undefined;
  const exceptions = environment.no_grpc_proxy || environment.no_proxy || "";
  if (exceptions.split(",").some((exception) => isMeant(exception.trim().toLowerCase(), host.toLowerCase()))) {
    return undefined;
  }
  const { hostname, port: named, protocol, username, password } = readUrl(variable, environment[variable]!);
  if (protocol !== "http:" || hostname === "") {
    throw misuse(`${variable}: must be a URL such as http://proxy.example:3128, not one of ${protocol}//`);
  }
  const user = `${decode(username)}:${decode(password)}`;
  const authorization = user === ":" ? undefined : `Basic ${Buffer.from(user).toString("base64")}`;
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: named === "" ? defaultPort : Number(named),
    tunnel: { to: nameOf(host, port), authorization },
  };
}

/** With a scheme, or without one, as curl takes it. What it says is not repeated: it may hold a password. */
function readUrl(variable: string, text: string): URL {
  try {
    return new URL(text.includes("://") ? text : `http://${text}`);
  } catch {
    throw misuse(`${variable}: must be a URL such as http://proxy.example:3128; what it says cannot be read`);
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Whether an exception is one for this host: its name, a domain that it is in (`example.com`, `.example.com`), its
 * address, a network (`10.0.0.0/8`), or `*`.
 */
function isMeant(exception: string, host: string): boolean {
  if (exception === "") return false;
  if (exception === "*") return true;
  const [network, prefix] = exception.split("/");
  if (prefix !== undefined) return isIP(host) !== 0 && isInNetwork(host, network!, Number(prefix));
  const domain = exception.replace(/^\*?\./, "");
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function isInNetwork(host: string, network: string, prefix: number): boolean {
  const isKnown =
    isIP(network) !== 0 && Number.isInteger(prefix) && prefix >= 0 && prefix <= (isIPv6(network) ? 128 : 32);
  if (!isKnown) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, isIPv6(network) ? "ipv6" : "ipv4");
  return list.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}
