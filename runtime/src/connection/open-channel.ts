import type { ChannelObserver, TransportChannel } from "../contract.js";
import type { ChannelCredentials } from "../credentials.js";
import { parseTarget } from "../target.js";
import { loadTransport } from "../transport/transports.js";
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
  return transport.connect({ ...settings, credentials, serverName, target: parseTarget(found).uri }, observer);
}

/** Those of the settings, or what their function makes now. */
export async function credentialsOf({ credentials, target }: ConnectionSettings): Promise<ChannelCredentials> {
  return typeof credentials === "function" ? requireCredentials(await credentials(target)) : credentials;
}
