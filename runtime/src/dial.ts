import { type ChannelDefaults, ClientChannel, channelDefaultNames } from "./client/client-channel.js";
import type { Connection } from "./connection/connection.js";
import { registry } from "./connection/registry.js";
import { applyRules, type ConnectionRules, targetOf } from "./connection/rules.js";
import { type ConnectionOptions, connectionOptionNames, readSettings } from "./connection/settings.js";
import type { Channel, ServiceDesc } from "./contract.js";
import { misuse } from "./error.js";

/**
 * Options of a dial. Those of the connection are, with the target, what connections are shared by; the others belong to
 * the handle.
 */
export interface DialOptions extends ChannelDefaults, ConnectionOptions {}

/**
 * A handle on the process-wide long connection to `target`: made on first use, shared by everything that dials the same
 * target with the same connection options, never made twice. An idle connection does not hold the process open.
 *
 * @param target `host:port`, or as gRPC naming has it: `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:/path`
 * @throws RpcError INVALID_ARGUMENT, at once, for a target or an option that cannot be used; it names the option
 */
export function dial(target: string, options: DialOptions = {}): ClientChannel {
  const all = readOptions(target, options);
  return new ClientChannel(connectionTo(target, all), all);
}

/**
 * What generated `shared…Client` functions call: one client per service and connection, made on first use. Options that
 * belong to a handle (interceptors, timeouts, …) make a client of their own, on the same connection.
 *
 * @param target where the service is; without it, what the environment or {@link configureConnections} says
 */
export function sharedClient<Client>(
  desc: ServiceDesc,
  make: (channel: Channel) => Client,
  target: string = targetOf(desc.serviceName, registry.rules),
  options: DialOptions = {},
): Client {
  const all = readOptions(target, options);
  const connection = connectionTo(target, all);
  if (channelDefaultNames.some((name) => options[name] !== undefined)) return make(new ClientChannel(connection, all));
  return connection.client(desc, () => make(new ClientChannel(connection, all)));
}

/**
 * Sets the rules for all later dials of this process; what they do not say is as by default. Connections that are there
 * already stay what they are. Worker threads have rules, and connections, of their own.
 *
 * @throws RpcError INVALID_ARGUMENT for a rule that cannot be used
 */
export function configureConnections(rules: ConnectionRules): void {
  registry.configure(rules);
}

/** A handle on each connection that has been dialled and not closed. */
export function connections(): ClientChannel[] {
  return registry.all().map((connection) => new ClientChannel(connection, {}));
}

/**
 * Closes every connection of this process: calls in flight may end within `graceMs` (default 0). For the end of a
 * program; later dials make new ones.
 */
export function closeAllConnections(options: { readonly graceMs?: number } = {}): Promise<void> {
  return registry.closeAll(options.graceMs ?? 0);
}

/** Closes everything at once and forgets the rules: between two tests. */
export function resetConnectionsForTest(): Promise<void> {
  registry.configure({});
  return registry.closeAll(0);
}

/** The options of a dial and of the rules; throws for one that does not exist. */
function readOptions(target: string, options: DialOptions): DialOptions {
  const all = applyRules(target, options, registry.rules);
  for (const name of Object.keys(all)) {
    if (Object.hasOwn(known, name)) continue;
    const hint = name in tlsOptions ? `; it is one of tls(): credentials: tls({ ${name} })` : "";
    throw misuse(`${name}: there is no such dial option${hint}`);
  }
  return all;
}

const known = Object.fromEntries([...connectionOptionNames, ...channelDefaultNames].map((name) => [name, true]));
const tlsOptions = { ca: true, cert: true, key: true, serverName: true, checkServerIdentity: true };

function connectionTo(target: string, options: DialOptions): Connection {
  return registry.get(readSettings(target, options));
}
