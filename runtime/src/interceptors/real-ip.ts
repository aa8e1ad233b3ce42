/** `realIp`: the address of who calls, where proxies stand between. */
import { BlockList, isIP, SocketAddress } from "node:net";
import { createContextKey } from "../context.js";
import type { Interceptor, ServerCall } from "../contract.js";
import { describe, misuse } from "../error.js";

export interface RealIpOptions {
  /**
   * The proxies whose word counts: addresses (`10.0.0.7`, `::1`), networks (`10.0.0.0/8`, `fd00::/8`), and `unix` for
   * peers that come over a unix socket and so have no address.
   */
  readonly trusted: readonly string[];
  /** Metadata keys that proxies write, the first that says something counts. Default: `x-forwarded-for`, `x-real-ip`. */
  readonly headers?: readonly string[] | undefined;
}

const key = createContextKey<string>("real IP");

/**
 * At a server: finds the address of the caller. Anyone can send `x-forwarded-for`, so it is read only where the peer
 * is a trusted proxy, and from its end: the first address that is no trusted proxy's is the caller's.
 *
 * @throws RpcError INVALID_ARGUMENT, when it is made, for an entry of `trusted` that is no address and no network
 */
export function realIp(options: RealIpOptions): Interceptor {
  const isTrusted = trustIn(options.trusted);
  const headers = options.headers ?? ["x-forwarded-for", "x-real-ip"];
  return (next) => (call) => {
    const { server } = call;
    if (server !== undefined) {
      const peer = peerIp(server);
      const ip = isTrusted(peer) ? forwarded(server, headers, isTrusted) : (peer ?? server.peer.address);
      server.context.set(key, ip);
    }
    return next(call);
  };
}

/** The address of who calls, without a port or a zone, in one spelling: `10.0.0.7`, `2001:db8::1`; the peer's own where `realIp()` did not see the call. */
export function realIpOf(call: ServerCall): string {
  return call.context.get(key) ?? peerIp(call) ?? call.peer.address;
}

/** From the nearest proxy outwards: what a trusted one wrote is trusted, and nothing beyond the first that is not. */
function forwarded(call: ServerCall, headers: readonly string[], isTrusted: (ip: string) => boolean): string {
  for (const header of headers) {
    const hops = call.metadata.getAll(header).flatMap((value) => value.split(","));
    let farthest: string | undefined;
    for (const hop of hops.reverse()) {
      const ip = toIp(hop.trim());
      if (ip === undefined) break;
      farthest = ip;
      if (!isTrusted(ip)) break;
    }
    if (farthest !== undefined) return farthest;
  }
  return peerIp(call) ?? call.peer.address;
}

function trustIn(trusted: readonly string[]): (ip: string | undefined) => boolean {
  if (!Array.isArray(trusted)) {
    const details = `realIp(): trusted must be a list of the proxies to trust, not ${describe(trusted)}`;
    throw misuse(details);
  }
  const list = new BlockList();
  let trustsSockets = false;
  for (const entry of trusted) {
    const [, address, bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(String(entry)) ?? [];
    const version = isIP(address ?? "");
    if (entry === "unix") trustsSockets = true;
    else if (version === 0 || Number(bits ?? 0) > (version === 4 ? 32 : 128)) {
      const what = "an address or a network is wanted, such as 10.0.0.7 or 10.0.0.0/8";
      throw misuse(`realIp(): trusted: ${what}, not ${describe(entry)}`);
    } else {
      const family = version === 4 ? "ipv4" : "ipv6";
      const alone = toIp(address!)!;
      if (bits === undefined) list.addAddress(alone, isIP(alone) === 4 ? "ipv4" : "ipv6");
      else list.addSubnet(address!, Number(bits), family);
    }
  }
  return (ip) => (ip === undefined ? trustsSockets : list.check(ip, isIP(ip) === 4 ? "ipv4" : "ipv6"));
}

/** A peer has a port, whatever its form: of `::1:8080`, as some transports write it, the last part is no address. */
function peerIp({ peer }: ServerCall): string | undefined {
  return toIp(peer.address.replace(/:\d+$/, ""));
}

/** `10.0.0.7`, `10.0.0.7:80`, `[::1]:80`, `::ffff:10.0.0.7` and `0:0::1%eth0` without what is not the address. */
function toIp(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (isIP(bare) !== 6) return isIP(bare) === 4 ? bare : undefined;
  const { address } = new SocketAddress({ address: bare, family: "ipv6" });
  // A socket that listens on both families names IPv4 peers in the form of IPv6.
  return /^::ffff:([\d.]+)$/.exec(address)?.[1] ?? address;
}
