import { nameOf } from "../target.js";

/** As it was when the connection was made; `unknown` for a unix socket, whose client has no name. */
export function addressOf({ remoteAddress, remotePort }: Remote): string {
  return remoteAddress === undefined || remotePort === undefined ? "unknown" : nameOf(remoteAddress, remotePort);
}

interface Remote {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}
