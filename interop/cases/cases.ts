import type { CaseName } from "../description.js";
import type { Case } from "./case.js";
import {
  clientCompressedStreaming,
  clientCompressedUnary,
  serverCompressedStreaming,
  serverCompressedUnary,
} from "./compression.js";
import { perRpcCreds } from "./credentials.js";
import { cancelAfterBegin, cancelAfterFirstResponse, timeoutOnSleepingServer } from "./ends.js";
import { channelSoak, concurrentLargeUnary, rpcSoak } from "./load.js";
import { customMetadata } from "./metadata.js";
import { specialStatusMessage, statusCodeAndMessage, unimplementedMethod, unimplementedService } from "./status.js";
import { clientStreaming, emptyStream, pingPong, serverStreaming } from "./streaming.js";
import { emptyUnary, largeUnary } from "./unary.js";

/** The cases on generated clients. */
export const cases: { readonly [Name in CaseName]: Case } = {
  empty_unary: emptyUnary,
  large_unary: largeUnary,
  client_streaming: clientStreaming,
  server_streaming: serverStreaming,
  ping_pong: pingPong,
  empty_stream: emptyStream,
  timeout_on_sleeping_server: timeoutOnSleepingServer,
  cancel_after_begin: cancelAfterBegin,
  cancel_after_first_response: cancelAfterFirstResponse,
  status_code_and_message: statusCodeAndMessage,
  special_status_message: specialStatusMessage,
  custom_metadata: customMetadata,
  unimplemented_method: unimplementedMethod,
  unimplemented_service: unimplementedService,
  client_compressed_unary: clientCompressedUnary,
  server_compressed_unary: serverCompressedUnary,
  client_compressed_streaming: clientCompressedStreaming,
  server_compressed_streaming: serverCompressedStreaming,
  per_rpc_creds: perRpcCreds,
  concurrent_large_unary: concurrentLargeUnary,
  rpc_soak: rpcSoak,
  channel_soak: channelSoak,
};
