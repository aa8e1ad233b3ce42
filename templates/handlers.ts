import type { MessageSource, ServerCall } from "@trunkline/runtime";
import type { $Request, $ResponseInit } from "./holes.js";
import type { $ServiceServer } from "./server.js";

/** A handler per method: takes the decoded request and calls the implementation. */
export const $serviceHandlers: {
  readonly $unary: (
    impl: $ServiceServer,
    request: $Request,
    call: ServerCall,
  ) => Promise<$ResponseInit> | $ResponseInit;
  readonly $serverStream: (impl: $ServiceServer, request: $Request, call: ServerCall) => MessageSource<$ResponseInit>;
  readonly $clientStream: (
    impl: $ServiceServer,
    requests: AsyncIterable<$Request>,
    call: ServerCall,
  ) => Promise<$ResponseInit> | $ResponseInit;
  readonly $bidiStream: (
    impl: $ServiceServer,
    requests: AsyncIterable<$Request>,
    call: ServerCall,
  ) => MessageSource<$ResponseInit>;
} = {
  $unary: (impl, request, call) => impl.$unary(request, call),
  $serverStream: (impl, request, call) => impl.$serverStream(request, call),
  $clientStream: (impl, requests, call) => impl.$clientStream(requests, call),
  $bidiStream: (impl, requests, call) => impl.$bidiStream(requests, call),
};
