/** Looks at the addresses behind a `dns:` name beside what the transport does with them. */
import { promises as dns } from "node:dns";
import { isIP } from "node:net";
import type { ConnectionSettings } from "./settings.js";

/** What a timer of Node.js can wait for. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Calls `onChange` when the name has other addresses than it had, looked up every `resolveEveryMs`: names do not say
 * when they change, and a transport looks again only after it has lost a connection. Warns, once, where `round_robin` has
 * but one address to spread calls over: most likely the name is that of a load balancer, or of a service that is not
 * headless.
 *
 * @returns what ends it
 */
export function watchAddresses(settings: ConnectionSettings, onChange: () => void): () => void {
  const { resolveEveryMs, loadBalancing } = settings;
  const name = nameOf(settings.target);
  const again = resolveEveryMs <= longestTimerMs;
  if (name === undefined || !(again || loadBalancing === "round_robin")) return () => {};
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let known: string | undefined;
  const look = async () => {
    // A name that cannot be resolved now is the transport's to report, where somebody calls.
    const addresses = await lookup(name).catch(() => undefined);
    if (stopped) return;
    if (addresses !== undefined) {
      if (loadBalancing === "round_robin" && addresses.length === 1 && known === undefined) warn(settings.target);
      const now = addresses.sort().join();
      if (known !== undefined && known !== now) onChange();
      known = now;
    }
    if (again) timer = setTimeout(look, resolveEveryMs).unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

interface Name {
  readonly host: string;
  /** Of a DNS server, where the target names one. */
  readonly server: string | undefined;
}

/** Undefined for what is no name: an address, a socket, a target of another scheme. */
function nameOf(target: string): Name | undefined {
  const [, server, host] = /^dns:\/\/([^/]*)\/(.+):\d+$/.exec(target) ?? [];
  if (host === undefined || isIP(host.replace(/^\[|\]$/g, "")) !== 0) return undefined;
  return { host, server: server === "" ? undefined : server };
}

async function lookup({ host, server }: Name): Promise<string[]> {
  if (server === undefined) return (await dns.lookup(host, { all: true })).map(({ address }) => address);
  const resolver = new dns.Resolver();
  resolver.setServers([server]);
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  if (found.every(({ status }) => status === "rejected")) throw (found[0] as PromiseRejectedResult).reason;
  return found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

const warned = new Set<string>();

function warn(target: string): void {
  if (warned.has(target)) return;
  warned.add(target);
  process.emitWarning(
    `round_robin has one address for ${target}: all calls go to it. Behind a load balancer use pool or maxAgeMs; on ` +
      "Kubernetes dial a headless service",
    { type: "TrunklineWarning", code: "TRUNKLINE_ONE_ADDRESS" },
  );
}
