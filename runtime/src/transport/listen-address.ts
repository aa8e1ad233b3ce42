/** Reads where to listen, and says what is wrong with it. */
import { lookup } from "node:dns/promises";
import { lstat, stat, unlink } from "node:fs/promises";
import { type AddressInfo, connect, isIP, isIPv6 } from "node:net";
import { dirname } from "node:path";
import { misuse, RpcError } from "../error.js";
import { Code } from "../status.js";

/** What `Server.listen` of node:net takes. */
export type Place =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
  | { readonly fd: number };

/** `sun_path` of `sockaddr_un` less its final zero: a longer path would be cut short without a word. */
const longestPathBytes = process.platform === "darwin" ? 103 : 107;

const forms = "write host:50051, [::1]:50051, unix:/path or fd:3";

/**
 * `host:port`, `unix:/path` or `fd:number`.
 *
 * @throws RpcError INVALID_ARGUMENT for what is none of them
 */
export function parseAddress(address: string): Place {
  const fd = /^fd:(\d{1,9})$/.exec(address)?.[1];
  if (fd !== undefined) return { fd: Number(fd) };
  if (address.startsWith("unix:")) return { path: parsePath(address) };
  const { bracketed, name, port } =
    /^(?:\[(?<bracketed>[^\]]*)\]|(?<name>[^:/\s]*)):(?<port>\d+)$/.exec(address)?.groups ?? {};
  if (port === undefined) throw unreadable(address, portMissing(address));
  if (Number(port) > 65_535) throw unreadable(address, `port ${port} is above 65535; ${forms}`);
  if (bracketed !== undefined && !isIPv6(bracketed)) {
    throw unreadable(address, `[${bracketed}] is no IPv6 address; ${forms}`);
  }
  const host = bracketed ?? name;
  if (!host) {
    throw unreadable(
      address,
      `it names no host; write localhost:${port}, or [::]:${port} for all addresses of this machine`,
    );
  }
  return { host, port: Number(port) };
}

function portMissing(address: string): string {
  const host = isIPv6(address) ? `[${address}]` : /^(\[[^\]]*\]|[^:/\s]+)$/.exec(address)?.[1];
  return host === undefined
    ? `it is no host:port; ${forms}`
    : `it names no port; write ${host}:50051, or ${host}:0 for a free one`;
}

/** `unix:path`, `unix:/path` and `unix:///path`, as gRPC naming writes them. */
function parsePath(address: string): string {
  const path = address.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw unreadable(address, "it names no path; write unix:/path");
  if (path.includes("\0")) throw unreadable(address, "a path has no zero bytes; write unix:/path");
  const bytes = Buffer.byteLength(path);
  if (bytes > longestPathBytes) {
    throw unreadable(
      address,
      `a path of a unix socket has ${longestPathBytes} bytes at most, not ${bytes}; choose a shorter one`,
    );
  }
  return path;
}

function unreadable(address: string, why: string): RpcError {
  return misuse(`cannot listen on ${address}: ${why}`);
}

/** All addresses that a host stands for. */
export async function addressesOf(address: string, host: string): Promise<string[]> {
  if (isIP(host)) return [host];
  // By definition (RFC 6761, section 6.3), whatever the hosts file has of it.
  if (host === "localhost") return ["127.0.0.1", "::1"];
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map((one) => one.address))];
  } catch (cause) {
    throw notListening(address, cause);
  }
}

/**
 * A process that was killed leaves its unix socket behind: where nobody answers, it is in the way.
 *
 * @throws RpcError UNAVAILABLE where something else is there, which is not touched
 */
export async function clearPath(address: string, path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) {
    // Of a folder that is missing the system says at bind() only that access was denied.
    await stat(dirname(path)).catch((cause) => {
      throw notListening(address, cause);
    });
    return;
  }
  if (!found.isSocket()) {
    const why = "a file is there that is no socket; take it away, or choose another path";
    throw new RpcError(Code.UNAVAILABLE, `cannot listen on ${address}: ${why}`);
  }
  const isStale = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(false);
    });
    probe.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
  if (isStale) await unlink(path).catch(() => {});
}

/** As a client would dial it. `bound` is what `address()` of a server of node:net tells. */
export function dialledAs(address: string, bound: AddressInfo | string | null): string {
  if (typeof bound === "string") return address.startsWith("fd:") ? `unix:${bound}` : address;
  if (bound === null) return address;
  if (!address.startsWith("fd:")) return address.replace(/:\d+$/, `:${bound.port}`);
  return `${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

/** What the system says, and what to do about it. */
const advice: { readonly [code: string]: string } = {
  EADDRINUSE: "it is in use; stop who listens there, or choose another",
  EADDRNOTAVAIL: "no interface of this machine has that address; choose one of its own",
  EAFNOSUPPORT: "this machine does not speak that family of addresses; choose one of the other",
  EACCES: "this process may not; give it the right, or choose a port above 1023 or another path",
  EPERM: "this process may not; give it the right, or choose another",
  ENOENT: "its folder is not there; make it first",
  ENOTDIR: "its folder is none; choose another path",
  ENOTFOUND: "the host's name has no address; check its spelling, or write an IP address",
  EAI_AGAIN: "the host's name could not be looked up; check the name server, or write an IP address",
  EBADF: "the process has no such descriptor; start it with a listening socket there",
  EINVAL: "it is no socket that can be listened on; pass one",
  ENOTSOCK: "it is no socket; pass one that can be listened on",
  EMFILE: "the process has no file descriptor left; raise its limit (ulimit -n)",
};

/** UNAVAILABLE where the same may do later or on another machine, INVALID_ARGUMENT where it is wrong by itself. */
export function notListening(address: string, cause: unknown): RpcError {
  const { code, message } = Object(cause) as Partial<NodeJS.ErrnoException>;
  const why = (code !== undefined && advice[code]) || String(message ?? cause);
  const details = `cannot listen on ${address}: ${why}${code === undefined ? "" : ` (${code})`}`;
  const isWrong = address.startsWith("fd:") && code !== "EMFILE";
  return isWrong ? misuse(details, cause) : new RpcError(Code.UNAVAILABLE, details, { cause });
}
