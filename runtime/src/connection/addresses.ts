/** Looks at the addresses behind a `dns:` name beside what the transport does with them. */
import { promises as dns } from "node:dns";
import { isIP } from "node:net";
import { longestTimerMs } from "../deadline.js";
import { isLocalTransport, loadTransport } from "../transport/transports.js";
import type { ConnectionSettings } from "./settings.js";

/**
 * Calls `onChange` when the target is elsewhere than it was, looked up every `resolveEveryMs` while the connection is in
 * use: names do not say when they change, and a transport looks again only after it has lost a connection. Warns, once,
 * where `round_robin` has but one address to spread calls over: most likely the name is that of a load balancer, or of a
 * service that is not headless.
 *
 * @returns what ends it
 */
export function watchAddresses(settings: ConnectionSettings, isInUse: () => boolean, onChange: () => void): () => void {
  const { target, resolver, resolveEveryMs, loadBalancing } = settings;
  const name = nameOf(target);
  const again = resolveEveryMs <= longestTimerMs;
  const mayWarn = loadBalancing === "round_robin" && resolver === undefined;
  if (isLocalTransport(settings.transport)) return nothing;
  if ((name === undefined && resolver === undefined) || !(again || mayWarn)) return nothing;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let known: string | undefined;
  const find = async () => (resolver === undefined ? lookup(name!) : [await resolver(target)]);
  const look = async () => {
    // Channels that are made here look again by themselves, and keep what has not moved.
    if (resolver === undefined && "speak" in (await loadTransport(settings.transport))) return;
    if (isInUse()) {
      // What cannot be resolved now is the transport's to report, where somebody calls.
      const addresses = await find().catch(() => undefined);
      if (stopped) return;
      if (addresses !== undefined) {
        if (mayWarn) warnOfOneAddress(target, addresses);
        const now = addresses.sort().join();
        if (known !== undefined && known !== now) onChange();
        known = now;
      }
    } else {
      known = undefined;
    }
    if (again) timer = setTimeout(look, resolveEveryMs).unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Of those that have nothing to look up: it holds on to nothing of theirs. */
function nothing(): void {}

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

/** grpc-js asks the server that a target names only where it is told to. What it does not ask says nothing about it. */
const asksServers = (): boolean => process.env.GRPC_NODE_USE_ALTERNATIVE_RESOLVER === "true";

async function lookup({ host, server }: Name): Promise<string[]> {
  if (server === undefined || !asksServers()) {
    return (await dns.lookup(host, { all: true })).map(({ address }) => address);
  }
  // One that does not answer must not hold a process that has nothing else to do.
  const resolver = new dns.Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([server]);
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  if (found.every(({ status }) => status === "rejected")) throw (found[0] as PromiseRejectedResult).reason;
  return found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

const warned = new Set<string>();

/**
 * Warns of a name that has but one address, once for each target: most likely that is not what was meant.
 *
 * @param addresses those of the target, or of the proxy that looks the target up
 */
export function warnOfOneAddress(
  target: string,
  addresses: readonly (string | { readonly tunnel?: object | undefined })[],
): void {
  const [only, ...others] = addresses;
  if (only === undefined || others.length > 0 || (typeof only === "object" && only.tunnel !== undefined)) return;
  if (nameOf(target) === undefined || warned.has(target)) return;
  warned.add(target);
  process.emitWarning(
    `round_robin has one address for ${target}: all calls go to it. Behind a load balancer use pool or maxAgeMs; on ` +
      "Kubernetes dial a headless service",
    { type: "TrunklineWarning", code: "TRUNKLINE_ONE_ADDRESS" },
  );
}
