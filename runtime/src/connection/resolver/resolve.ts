/** Finds the addresses behind a target: who is asked for them, and in which order they are tried. */
import { isIP } from "node:net";
import { misuse } from "../../error.js";
import { isLoopback, parseTarget } from "../../target.js";
import { type Address, pathAddress, tcpAddress } from "./address.js";
import { lookup, serverLookup } from "./dns-lookup.js";
import { familiesInTurn } from "./families.js";
import { proxyFor } from "./proxy.js";

/** Where the addresses of a target come from. */
export interface AddressSource {
  /** Rejects where there are none, with an error that says why. */
  find(): Promise<readonly Address[]>;
  /** They can change: it is worth asking again. */
  readonly changes: boolean;
}

/**
 * How the addresses of a target are found, now and again.
 *
 * @throws RpcError INVALID_ARGUMENT for a target that only a control plane, or another system, can resolve
 */
export function resolverOf(target: string, environment: NodeJS.ProcessEnv = process.env): AddressSource {
  const { place } = parseTarget(target);
  switch (place.kind) {
    case "name":
      return name(place, environment);
    case "addresses":
      return fixed(place.addresses.map(({ host, port }) => tcpAddress(host, port)));
    case "passthrough":
      return fixed([tcpAddress(place.host, place.port)]);
    case "path":
      if (!place.path.startsWith("\0") || process.platform === "linux") return fixed([pathAddress(place.path)]);
      throw misuse(`target: ${target}: only Linux has abstract sockets; write unix:/path`);
    case "xds":
      throw misuse(
        `target: ${target}: only the transport grpc-js asks a control plane; dial with transport: "grpc-js"`,
      );
  }
}

function name(
  { host, port, server }: { readonly host: string; readonly port: number; readonly server: string | undefined },
  environment: NodeJS.ProcessEnv,
): AddressSource {
  // A proxy has a loopback address of its own, and is asked for names of which this machine may know nothing.
  const proxy = isLoopback(host) ? undefined : proxyFor(host, port, environment);
  if (proxy !== undefined) {
    const ask = lookup(proxy.host);
    const find = async () => ordered(await ask()).map((one) => tcpAddress(one, proxy.port, proxy.tunnel));
    return { find, changes: isIP(proxy.host) === 0 };
  }
  if (isIP(host) !== 0) return fixed([tcpAddress(host, port)]);
  const ask = server === undefined ? lookup(host) : serverLookup(host, server);
  const find = async () => ordered(await ask()).map((one) => tcpAddress(one, port));
  return { find, changes: true };
}

function fixed(addresses: readonly Address[]): AddressSource {
  return new FixedAddresses(addresses);
}

/** A class, so that each of many channels holds no function of its own. */
class FixedAddresses implements AddressSource {
  readonly changes = false;
  readonly #addresses: readonly Address[];

  constructor(addresses: readonly Address[]) {
    this.#addresses = addresses;
  }

  async find(): Promise<readonly Address[]> {
    return this.#addresses;
  }
}

/** Each once, in the order in which they are tried. */
export function ordered(hosts: readonly string[]): string[] {
  return familiesInTurn([...new Set(hosts)], (host) => host);
}
