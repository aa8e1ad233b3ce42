import { type ChannelDefaults, ClientChannel } from "./client/client-channel.js";
import type { Connection } from "./connection/connection.js";
import { registry } from "./connection/registry.js";
import { parseTarget } from "./connection/target.js";
import type { Channel, ServiceDesc, Transport } from "./contract.js";
import { type ChannelCredentials, insecure } from "./credentials.js";
import { checkTimeout } from "./deadline.js";
import { describe, RpcError } from "./error.js";
import { checkBytes, defaultMaxReceiveMessageBytes } from "./limits.js";
import { Code } from "./status.js";
import { defaultTransport, isTransportName, type TransportName, transportNames } from "./transport/transports.js";

/**
 * Options of a dial. Those of the connection itself (`credentials`, `authority`, `transport`, `maxReceiveMessageBytes`)
 * are, with the target, what connections are shared by; the others belong to the handle.
 */
export interface DialOptions extends ChannelDefaults {
  /**
   * `insecure()` or `tls({…})`. Without it a target on this machine (loopback, unix socket) is plaintext and any other
   * an error.
   */
  readonly credentials?: ChannelCredentials | undefined;
  /** The `:authority` of all calls. Default: the target's host and port. */
  readonly authority?: string | undefined;
  /** Default: the name in `transports.ts`. An object brings its own. */
  readonly transport?: TransportName | Transport | undefined;
  /** Bytes; a longer response message fails its call with RESOURCE_EXHAUSTED. Default 4 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
}

/**
 * A handle on the process-wide long connection to `target`: made on first use, shared by everything that dials the same
 * target with the same credentials and connection options, never made twice. An idle connection does not hold the
 * process open.
 *
 * @param target `host:port`, or as gRPC naming has it: `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:/path`
 * @throws RpcError INVALID_ARGUMENT, at once, for a target or an option that cannot be used; it names the option
 */
export function dial(target: string, options: DialOptions = {}): ClientChannel {
  return new ClientChannel(connectionTo(target, options), options);
}

function connectionTo(target: string, options: DialOptions): Connection {
  const { uri, authority, local } = parseTarget(target);
  const credentials = options.credentials ?? (local ? insecure() : undefined);
  if (credentials === undefined) {
    throw invalid(
      `credentials: ${target} is not on this machine, so say how to speak to it: ` +
        "credentials: tls() for TLS, or credentials: insecure() for plaintext",
    );
  }
  if (credentials.kind !== "tls" && credentials.kind !== "insecure") {
    throw invalid(`credentials: must be made by tls() or insecure(), not ${describe(credentials)}`);
  }
  const { transport = defaultTransport, maxReceiveMessageBytes = defaultMaxReceiveMessageBytes } = options;
  if (typeof transport === "string" && !isTransportName(transport)) {
    throw invalid(`transport: there is no ${describe(transport)}, only ${transportNames.join(", ")}`);
  }
  checkBytes("maxReceiveMessageBytes", maxReceiveMessageBytes);
  if (options.timeoutMs !== undefined) checkTimeout("timeoutMs", options.timeoutMs);
  return registry.get({
    target: uri,
    authority: options.authority ?? authority,
    credentials,
    transport,
    maxReceiveMessageBytes,
  });
}

/**
 * What generated `shared…Client` functions call: one client per service and connection, made on first use. Options that
 * belong to a handle (interceptors, timeouts, …) make a client of their own, on the same connection.
 */
export function sharedClient<Client>(
  desc: ServiceDesc,
  make: (channel: Channel) => Client,
  target?: string,
  options: DialOptions = {},
): Client {
  if (target === undefined) {
    throw invalid(`target: no target is known for ${desc.serviceName}; pass one, such as "localhost:50051"`);
  }
  const connection = connectionTo(target, options);
  const { interceptors, timeoutMs, waitForReady, callCredentials } = options;
  const own = interceptors ?? timeoutMs ?? waitForReady ?? callCredentials;
  if (own !== undefined) return make(new ClientChannel(connection, options));
  return connection.client(desc, () => make(new ClientChannel(connection, {})));
}

function invalid(details: string): RpcError {
  return new RpcError(Code.INVALID_ARGUMENT, details);
}
