import { isIPv6 } from "node:net";

/** As it was when the connection was made; `unknown` for a unix socket, whose client has no name. */
export function addressOf({ remoteAddress, remotePort }: Remote): string {
  if (remoteAddress === undefined) return "unknown";
  return isIPv6(remoteAddress) ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

interface Remote {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}
