/** Who may look at a status page that is for this machine only. */
import type { IncomingMessage } from "node:http";

/**
 * The names that a page on this machine goes by, with any port. Under another name a browser may have been led here: a
 * site can have its own name resolve to 127.0.0.1, and would then be allowed to read what it finds (DNS rebinding).
 */
const localHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** Why a request is refused that does not come from this machine, with what to do; undefined for one that does. */
export function refusal(request: IncomingMessage): string | undefined {
  if (!isLoopback(request.socket.remoteAddress)) {
    return (
      "This status page answers requests from this machine only. To let other machines see it, make it with " +
      "statusPage(server, { allowRemote: true }), behind something that asks them who they are.\n"
    );
  }
  if (!localHost.test(request.headers.host ?? "")) {
    return (
      "This status page is called localhost, 127.0.0.1 or [::1], and the Host of this request is none of them. To let " +
      "it go by other names, make it with statusPage(server, { allowRemote: true }).\n"
    );
  }
  return undefined;
}

/** Who has no address has come through a unix socket. */
function isLoopback(address: string | undefined): boolean {
  return address === undefined || address === "::1" || /^(::ffff:)?127\./i.test(address);
}
