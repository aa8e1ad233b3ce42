/** Looks names up: as the system does, or at a DNS server that a target names. */
import { promises as dns } from "node:dns";
import { misuse, RpcError } from "../../error.js";

export type Lookup = () => Promise<string[]>;

/** With the hosts file and whatever else the system asks; in its order. */
export function lookup(host: string): Lookup {
  return async () => (await dns.lookup(host, { all: true })).map(({ address }) => address);
}

/** One query that is not answered in this time is lost, or the server is; the next lookup asks again. */
const serverTimeoutMs = 2000;

/**
 * At one DNS server, and nowhere else.
 *
 * @param server an IP address, or one with a port
 * @throws RpcError INVALID_ARGUMENT for what is neither
 */
export function serverLookup(host: string, server: string): Lookup {
  const resolver = new dns.Resolver({ timeout: serverTimeoutMs, tries: 1 });
  try {
    resolver.setServers([server]);
  } catch (cause) {
    throw misuse(`target: ${server}: a DNS server is named by its IP address, as in dns://10.0.0.2:53/${host}`, cause);
  }
  return async () => {
    const [v6, v4] = await Promise.allSettled([resolver.resolve6(host), resolver.resolve4(host)]);
    const found = [v6, v4].flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    if (found.length > 0) return found;
    const cause = v4.status === "rejected" ? v4.reason : new Error(`${host} has no address`);
    throw new Error(`the DNS server ${server}: ${RpcError.from(cause).details}`, { cause });
  };
}
