/** For applications that already have grpc-js: `@trunkline/runtime/grpc-js`. */
import type { ChannelInterface, Client } from "@grpc/grpc-js";
import { BareChannel } from "./client/bare-channel.js";
import { type ChannelDefaults, ClientChannel } from "./client/client-channel.js";
import { Connection } from "./connection/connection.js";
import { readSettings } from "./connection/settings.js";
import type { Channel } from "./contract.js";
import { insecure } from "./credentials.js";
import { describe, misuse } from "./error.js";
import { GrpcJsChannel } from "./transport/grpc-js/channel.js";
import { ChannelOverride } from "./transport/grpc-js/channel-override.js";

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
    new Connection(settings, async (_, observer) => new GrpcJsChannel(channel, observer)),
    defaults,
  );
}

/**
 * Puts clients of grpc-js, as they are, on a channel that was dialled: what they take as `channelOverride`.
 *
 * ```ts
 * const channelOverride = toGrpcJsChannel(dial("greeter:50051", { credentials: tls() }));
 * const greeter = new GreeterClient("", credentials.createInsecure(), { channelOverride });
 * ```
 *
 * The client's own address, credentials and channel options mean nothing then; all of that is the dialled channel's:
 * transport, connection, TLS, keepalive, load balancing, and also `timeoutMs`, `marginMs`, `waitForReady`, `retry`,
 * `retryThrottling`, `compression` and `callCredentials`. What a call itself says comes on top: the earlier deadline wins,
 * a `waitForReady` of its metadata and its own call credentials stand in for the channel's. Call credentials never travel
 * in plaintext: such a call fails with UNAUTHENTICATED. A call made inside a handler of a server with `propagate: "auto"`
 * inherits from it; one with `parent`, a server call of grpc-js, inherits as its `propagate_flags` say.
 *
 * The client's interceptors run as always. Those of the dialled channel do not: they are written for typed messages and
 * generated methods, and here is nothing but a path and bytes. For the same reason `retry` and `compression.only`, where
 * they are functions, are asked about a method without a table entry and about encoded messages.
 *
 * `close()`, of a client as well, closes the connection for everyone who has dialled it; calls in flight may end. A call
 * after that fails with UNAVAILABLE, where grpc-js throws. `waitForReady()` of a client waits in vain on a connection that
 * is `"short"`: that is made with a call. `getAuthContext()` is null, and channelz of grpc-js does not know the channel.
 *
 * @throws RpcError INVALID_ARGUMENT for a channel that does not come from `dial()`
 */
export function toGrpcJsChannel(channel: Channel): ChannelInterface {
  // Not by its class: it may be that of another copy of this package, as where some code imports and other requires.
  const { belowInterceptors } = Object(channel) as Partial<ClientChannel>;
  if (belowInterceptors !== undefined) {
    return new ChannelOverride(channel as ClientChannel, new BareChannel(belowInterceptors));
  }
  throw misuse(`toGrpcJsChannel() needs a channel that dial() has returned, not ${describe(channel)}`);
}
