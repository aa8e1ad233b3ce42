/** The cases on plain grpc-js, with callbacks and events. */
import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";
import { authority } from "../../certificates.js";
import type { CaseName } from "../../description.js";
import type { ClientOptions } from "../peer.js";
import type { Case, Done } from "./case.js";
import { clientCompressedStreaming, clientCompressedUnary } from "./compression-cases.js";
import { perRpcCreds } from "./credentials-case.js";
import { channelSoak, concurrentLargeUnary, rpcSoak } from "./load-cases.js";
import { duplexMetadata, unaryMetadata } from "./metadata-cases.js";
import {
  cancelAfterBegin,
  cancelAfterFirstResponse,
  clientStreaming,
  duplexStatusCodeAndMessage,
  emptyStream,
  pingPong,
  serverStreaming,
  timeoutOnSleepingServer,
} from "./streaming-cases.js";
import {
  emptyUnary,
  largeUnary,
  specialStatusMessage,
  unaryStatusCodeAndMessage,
  unimplementedMethod,
  unimplementedServiceCall,
} from "./unary-cases.js";

/** All but those that it cannot do: see its limitations. */
const cases: { readonly [Name in CaseName]?: Case } = {
  empty_unary: emptyUnary,
  large_unary: largeUnary,
  client_streaming: clientStreaming,
  server_streaming: serverStreaming,
  ping_pong: pingPong,
  empty_stream: emptyStream,
  timeout_on_sleeping_server: timeoutOnSleepingServer,
  cancel_after_begin: cancelAfterBegin,
  cancel_after_first_response: cancelAfterFirstResponse,
  status_code_and_message: both(unaryStatusCodeAndMessage, duplexStatusCodeAndMessage),
  special_status_message: specialStatusMessage,
  custom_metadata: both(unaryMetadata, duplexMetadata),
  unimplemented_method: unimplementedMethod,
  unimplemented_service: unimplementedServiceCall,
  client_compressed_unary: clientCompressedUnary,
  client_compressed_streaming: clientCompressedStreaming,
  per_rpc_creds: perRpcCreds,
  concurrent_large_unary: concurrentLargeUnary,
  rpc_soak: rpcSoak,
  channel_soak: channelSoak,
};

function both(first: Case, second: Case): Case {
  return (client, done, run) =>
    first(client, (error) => (error === undefined ? second(client, done, run) : done(error)), run);
}

/** Milliseconds to wait for a connection: the cases are about calls, not about dialling. */
const connectTimeoutMs = 5_000;

export function runCase(name: CaseName, address: string, options: ClientOptions): Promise<void> {
  const { useTls, useTestCa, serverHostOverride, soak, concurrentCalls } = options;
  const identity = useTls ? credentials.createSsl(useTestCa ? authority() : undefined) : credentials.createInsecure();
  const named: ChannelOptions =
    serverHostOverride === undefined
      ? {}
      : {
          "grpc.default_authority": serverHostOverride,
          ...(useTls && { "grpc.ssl_target_name_override": serverHostOverride }),
        };
  const clients: Client[] = [];
  const connect = (own: ChannelOptions): Client => {
    // Clients of one address share their connections otherwise.
    const client = new Client(address, identity, { ...named, "grpc.use_local_subchannel_pool": 1, ...own });
    clients.push(client);
    return client;
  };
  const client = connect({});
  return new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + connectTimeoutMs, (error) => {
      if (error) return reject(error);
      const done: Done = (failure) => (failure === undefined ? resolve() : reject(failure));
      cases[name]!(client, done, { soak, concurrentCalls, connect });
    });
  }).finally(() => clients.map((client) => client.close()));
}
