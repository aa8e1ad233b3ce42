import type { MessageSource, ServerCall, ServiceOptions, ServiceRegistrar } from "@trunkline/runtime";
import { unimplemented } from "@trunkline/runtime";
import type { $Request, $ResponseInit } from "./holes.js";
import { $ServiceDesc } from "./service-desc.js";

/** $serviceDoc */
export interface $ServiceServer {
  /** $methodDoc */
  $unary(request: $Request, call: ServerCall): Promise<$ResponseInit> | $ResponseInit;
  /** $methodDoc */
  $serverStream(request: $Request, call: ServerCall): MessageSource<$ResponseInit>;
  /** $methodDoc */
  $clientStream(requests: AsyncIterable<$Request>, call: ServerCall): Promise<$ResponseInit> | $ResponseInit;
  /** $methodDoc */
  $bidiStream(requests: AsyncIterable<$Request>, call: ServerCall): MessageSource<$ResponseInit>;
}

/** Extend this and an rpc that the proto gains later answers UNIMPLEMENTED instead of breaking the build. */
export class $UnimplementedServiceServer implements $ServiceServer {
  $unary(_request: $Request, _call: ServerCall): Promise<$ResponseInit> | $ResponseInit {
    throw unimplemented($ServiceDesc.methods.$unary);
  }
  $serverStream(_request: $Request, _call: ServerCall): MessageSource<$ResponseInit> {
    throw unimplemented($ServiceDesc.methods.$serverStream);
  }
  $clientStream(_requests: AsyncIterable<$Request>, _call: ServerCall): Promise<$ResponseInit> | $ResponseInit {
    throw unimplemented($ServiceDesc.methods.$clientStream);
  }
  $bidiStream(_requests: AsyncIterable<$Request>, _call: ServerCall): MessageSource<$ResponseInit> {
    throw unimplemented($ServiceDesc.methods.$bidiStream);
  }
}

/** Has `server` answer the calls of this service with `impl`. */
export function $registerServiceServer(server: ServiceRegistrar, impl: $ServiceServer, options?: ServiceOptions): void {
  server.register($ServiceDesc, impl, options);
}
