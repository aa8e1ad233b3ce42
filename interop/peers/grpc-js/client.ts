/** The cases on plain grpc-js, with callbacks and events. */
import { Client, credentials } from "@grpc/grpc-js";
import { authority } from "../../certificates.js";
import type { CaseName } from "../../description.js";
import type { PeerOptions } from "../peer.js";
import type { Case } from "./case.js";
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

const cases: { readonly [Name in CaseName]: Case } = {
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
};

function both(first: Case, second: Case): Case {
  return (client, done) => first(client, (error) => (error === undefined ? second(client, done) : done(error)));
}

/** Milliseconds to wait for a connection: the cases are about calls, not about dialling. */
const connectTimeoutMs = 5_000;

export function runCase(name: CaseName, address: string, { useTls }: PeerOptions): Promise<void> {
  const client = new Client(address, useTls ? credentials.createSsl(authority()) : credentials.createInsecure());
  return new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + connectTimeoutMs, (error) => {
      if (error) return reject(error);
      cases[name](client, (failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }).finally(() => client.close());
}
