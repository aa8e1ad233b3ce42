/** @packageDocumentation The runtime of Trunkline: what generated code imports, and what its users do. */

export type {
  AttemptPolicy,
  AttemptPolicyOption,
  HedgingPolicy,
  RetryPolicy,
  RetryThrottling,
} from "./attempts/policy.js";
export type { ChannelDefaults, WaitOptions } from "./client/client-channel.js";
export { ClientChannel } from "./client/client-channel.js";
export type { Compression, CompressionOption, Encoding } from "./compression.js";
export { wasCompressed } from "./compression.js";
export type { ConnectionStats } from "./connection/connection-stats.js";
export type { CallDiagnostic, ConnectionDiagnostic } from "./connection/diagnostics.js";
export type { ConnectionRules } from "./connection/rules.js";
export type {
  BackoffOptions,
  ConnectionOptions,
  CredentialsSource,
  KeepaliveOptions,
  PoolOptions,
  Resolver,
} from "./connection/settings.js";
export type { ContextKey } from "./context.js";
export { CallContext, createContextKey } from "./context.js";
export type * from "./contract.js";
export type {
  CallCredentials,
  CallCredentialsContext,
  ChannelCredentials,
  InsecureCredentials,
  Pem,
  ReloadOptions,
  ServerCredentials,
  ServerTlsCredentials,
  ServerTlsOptions,
  ServerTlsSource,
  TlsCredentials,
  TlsOptions,
} from "./credentials.js";
export { insecure, pemFiles, serverTls, tls } from "./credentials.js";
export type { DialOptions } from "./dial.js";
export {
  closeAllConnections,
  configureConnections,
  connections,
  dial,
  resetConnectionsForTest,
  sharedClient,
} from "./dial.js";
export type { RpcErrorInit } from "./error.js";
export { RpcError } from "./error.js";
export { chain } from "./interceptor.js";
export type { MetadataInit, MetadataValue } from "./metadata.js";
export { Metadata } from "./metadata.js";
export type { MethodInit } from "./method.js";
export {
  bidiStreamMethod,
  clientStreamMethod,
  embedOptions,
  notServed,
  requireContract,
  serverStreamMethod,
  unaryMethod,
  unimplemented,
} from "./method.js";
export type { ReplyInit } from "./reply.js";
export { Reply } from "./reply.js";
export type { Sender } from "./sender.js";
export { sender } from "./sender.js";
export type { LatencyBucket, LatencyStats, MethodStats } from "./server/method-stats.js";
export type { OnError } from "./server/on-error.js";
export type { RawHandler } from "./server/raw-method.js";
export { rawCodec, rawMethod } from "./server/raw-method.js";
export type { ListenOptions, ServerOptions, ServerStats, ShutdownOptions, ShutdownReport } from "./server/server.js";
export { Server } from "./server/server.js";
export type { SignalOptions } from "./server/signals.js";
export type { Status } from "./status.js";
export { Code, codeName } from "./status.js";
export type { StatusDetail } from "./status-details.js";
export { StatusDetails, statusDetail } from "./status-details.js";
export { encodeMessage } from "./transport/codec.js";
export type { TransportName } from "./transport/transports.js";
