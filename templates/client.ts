import type { CallOptions, Channel, DialOptions, MessageSource } from "@trunkline/runtime";
import { sharedClient } from "@trunkline/runtime";
import type { $RequestInit, $Response } from "./holes.js";
import { $ServiceDesc } from "./service-desc.js";

/** $serviceDoc */
export interface $ServiceClient {
  /** $methodDoc */
  readonly $unary: (request: $RequestInit, options?: CallOptions) => Promise<$Response>;
  /** $methodDoc */
  readonly $serverStream: (request: $RequestInit, options?: CallOptions) => AsyncIterable<$Response>;
  /** $methodDoc */
  readonly $clientStream: (requests: MessageSource<$RequestInit>, options?: CallOptions) => Promise<$Response>;
  /** $methodDoc */
  readonly $bidiStream: (requests: MessageSource<$RequestInit>, options?: CallOptions) => AsyncIterable<$Response>;
}

/** Makes a client on a channel: an object of functions. */
export function $serviceClient(channel: Channel): $ServiceClient {
  return {
    $unary: (request, options) => channel.unary($ServiceDesc.methods.$unary, request, options),
    $serverStream: (request, options) => channel.serverStream($ServiceDesc.methods.$serverStream, request, options),
    $clientStream: (requests, options) => channel.clientStream($ServiceDesc.methods.$clientStream, requests, options),
    $bidiStream: (requests, options) => channel.bidiStream($ServiceDesc.methods.$bidiStream, requests, options),
  };
}

/** The client that the whole process shares, on the long connection to `target`; made on first use. */
export function $sharedServiceClient(target?: string, options?: DialOptions): $ServiceClient {
  return sharedClient($ServiceDesc, $serviceClient, target, options);
}
