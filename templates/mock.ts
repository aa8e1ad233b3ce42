import type { MockBidiStream, MockClientStream, MockServerStream, MockUnary } from "@trunkline/runtime/mock";
import { MockService } from "@trunkline/runtime/mock";
import type { $Request, $RequestInit, $Response, $ResponseInit } from "./holes.js";
import { $ServiceDesc } from "./service-desc.js";

/** $serviceDoc */
export interface $MockServiceClient {
  /** $methodDoc */
  readonly $unary: MockUnary<$RequestInit, $Request, $ResponseInit, $Response>;
  /** $methodDoc */
  readonly $serverStream: MockServerStream<$RequestInit, $Request, $ResponseInit, $Response>;
  /** $methodDoc */
  readonly $clientStream: MockClientStream<$RequestInit, $Request, $ResponseInit, $Response>;
  /** $methodDoc */
  readonly $bidiStream: MockBidiStream<$RequestInit, $Request, $ResponseInit, $Response>;
}

/** A client for tests, without a server: it answers as it is told, and remembers how it was called. */
export function $mockServiceClient(): $MockServiceClient {
  const service = new MockService($ServiceDesc);
  return {
    $unary: service.unary($ServiceDesc.methods.$unary),
    $serverStream: service.serverStream($ServiceDesc.methods.$serverStream),
    $clientStream: service.clientStream($ServiceDesc.methods.$clientStream),
    $bidiStream: service.bidiStream($ServiceDesc.methods.$bidiStream),
  };
}
