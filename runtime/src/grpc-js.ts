/** For applications that already have grpc-js: `@trunkline/runtime/grpc-js`. */
import type { ChannelInterface, Client } from "@grpc/grpc-js";
import { type ChannelDefaults, ClientChannel } from "./client/client-channel.js";
import { Connection } from "./connection/connection.js";
import { readSettings } from "./connection/settings.js";
import type { Channel } from "./contract.js";
import { insecure } from "./credentials.js";
import { GrpcJsChannel } from "./transport/grpc-js/channel.js";

/**
 * Puts generated clients on a channel that the application has already, with all that it was made with: credentials,
 * options, load balancing. It stays the application's, to share with other clients and to close.
 *
 * ```ts
 * const greeter = greeterClient(channelFromGrpcJs(existingClient));
 * ```
 *
 * @param channelOrClient a `Channel` of grpc-js, or any client made by it
 * @param defaults what this handle adds to every call. Call credentials belong to the grpc-js channel: whether it would
 *   send them in plaintext cannot be seen from here, so here they are refused.
 */
export function channelFromGrpcJs(channelOrClient: ChannelInterface | Client, defaults: ChannelDefaults = {}): Channel {
  const channel = "getChannel" in channelOrClient ? channelOrClient.getChannel() : channelOrClient;
  const target = channel.getTarget();
  // When it connects, and where to, are the application's to say; here it is only called on.
  const never = Number.POSITIVE_INFINITY;
  const rules = { credentials: insecure(), idleTimeoutMs: never, probeAfterIdleMs: never };
  const settings = { ...readSettings("localhost", rules), target, authority: target };
  return new ClientChannel(
    new Connection(settings, async (observer) => new GrpcJsChannel(channel, observer)),
    defaults,
  );
}
