/** @packageDocumentation The runtime of Trunkline: what generated code imports, and what its users do. */

export type { ChannelDefaults } from "./client/client-channel.js";
export { ClientChannel } from "./client/client-channel.js";
export type * from "./contract.js";
export type {
  CallCredentials,
  CallCredentialsContext,
  ChannelCredentials,
  InsecureCredentials,
  Pem,
  ServerCredentials,
  ServerTlsCredentials,
  ServerTlsOptions,
  TlsCredentials,
  TlsOptions,
} from "./credentials.js";
export { insecure, serverTls, tls } from "./credentials.js";
export type { DialOptions } from "./dial.js";
export { dial, sharedClient } from "./dial.js";
export type { RpcErrorInit } from "./error.js";
export { RpcError } from "./error.js";
export { chain } from "./interceptor.js";
export type { MetadataInit, MetadataValue } from "./metadata.js";
export { Metadata } from "./metadata.js";
export type { MethodInit } from "./method.js";
export {
  bidiStreamMethod,
  clientStreamMethod,
  requireContract,
  serverStreamMethod,
  unaryMethod,
  unimplemented,
} from "./method.js";
export type { ReplyInit } from "./reply.js";
export { Reply } from "./reply.js";
export type { Sender } from "./sender.js";
export { sender } from "./sender.js";
export type { ListenOptions, ServerOptions } from "./server/server.js";
export { Server } from "./server/server.js";
export type { OnError } from "./server/server-call.js";
export type { Status } from "./status.js";
export { Code, codeName } from "./status.js";
export { encodeMessage } from "./transport/codec.js";
export type { TransportName } from "./transport/transports.js";
