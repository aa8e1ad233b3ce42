import type { ChannelObserver, ConnectOptions, Transport, TransportChannel } from "../contract.js";
import type { ChannelCredentials } from "../credentials.js";
import { misuse } from "../error.js";
import { parseTarget } from "../target.js";
import { loadTransport } from "../transport/transports.js";
import type { BalancedChannelOptions } from "./balanced-channel.js";
import { type ConnectionSettings, requireCredentials } from "./settings.js";

/** Makes a channel as the settings have it: asks whom they name, and loads the transport with its first use. */
export async function openChannel(settings: ConnectionSettings, observer: ChannelObserver): Promise<TransportChannel> {
  const { target, authority, resolver } = settings;
  const [transport, credentials, found] = await Promise.all([
    loadTransport(settings.transport),
    credentialsOf(settings),
    resolver?.(target) ?? target,
  ]);
  // What a resolver found is where the name is, not who has to answer.
  const serverName = resolver === undefined ? undefined : parseTarget(authority).host;
  return createChannel(transport, { ...settings, credentials, serverName, target: parseTarget(found).uri }, observer);
}

let balanced: Promise<typeof import("./balanced-channel.js")> | undefined;

/** What a channel of connections does by itself, and is done above one of any other kind. */
type SocketSettings = Partial<Pick<ConnectionSettings, "resolveEveryMs" | "healthCheck">>;

/** Makes a channel of any transport: its own, or one that is composed of connections where it only speaks on sockets. */
export async function createChannel(
  transport: Transport,
  options: ConnectOptions & SocketSettings,
  observer: ChannelObserver,
): Promise<TransportChannel> {
  if ("connect" in transport) return transport.connect(options, observer);
  if (typeof transport.speak !== "function") {
    throw misuse(`transport: ${transport.name} is for servers alone: it has neither connect() nor speak()`);
  }
  // Who brings channels of another kind does not load how these are made. Each channel after the first has it at once.
  balanced ??= import("./balanced-channel.js");
  const { BalancedChannel } = await balanced;
  const { healthCheck, backoff, connectTimeoutMs } = options;
  if (healthCheck === undefined) return new BalancedChannel(transport, options, observer);
  const { HealthCheck } = await import("./health-check.js");
  const settings = { serviceName: healthCheck.serviceName, backoff, connectTimeoutMs };
  const checkHealth: BalancedChannelOptions["checkHealth"] = (...asks) => new HealthCheck(settings, ...asks);
  return new BalancedChannel(transport, { ...options, checkHealth }, observer);
}

/** Those of the settings, or what their function makes now. */
export async function credentialsOf({ credentials, target }: ConnectionSettings): Promise<ChannelCredentials> {
  return typeof credentials === "function" ? requireCredentials(await credentials(target)) : credentials;
}
