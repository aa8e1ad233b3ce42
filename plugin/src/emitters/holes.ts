// Generated from templates/holes.d.ts by `npm run templates`; do not edit.
import type { MethodModel } from "../model.js";
import type { Documented, Printable } from "../printer.js";

/** Filled once per service. */
export interface ServiceScope {
  readonly methods: readonly MethodScope[];
  /** `GreeterDesc` */
  readonly $ServiceDesc: string;
  /** `GreeterClient`, the interface */
  readonly $ServiceClient: string;
  /** `greeterClient`, the function */
  readonly $serviceClient: string;
  readonly $sharedServiceClient: string;
  readonly $ServiceServer: string;
  readonly $UnimplementedServiceServer: string;
  readonly $serviceHandlers: string;
  readonly $registerServiceServer: string;
  /** `greeterDescriptors` */
  readonly $serviceDescriptors: string;
  /** The constant that has the descriptors of the file. */
  readonly $descriptorSet: Printable;
  /** `demo.v1.Greeter` */
  readonly $serviceName: string;
  /** `demo/v1/greeter.proto` */
  readonly $fileName: string;
  readonly $serviceDoc: Documented;
}

/** Filled once per rpc; only an arm may have these. */
export interface MethodScope {
  readonly kind: MethodModel["kind"];
  /** `sayHello`: in an arm for all kinds, or in one for its own kind. */
  readonly $method: string;
  /** `SayHello` */
  readonly $methodName: string;
  /** `/demo.v1.Greeter/SayHello` */
  readonly $path: string;
  readonly $methodDoc: Documented;
  readonly $Request: Printable;
  readonly $RequestInit: Printable;
  readonly $Response: Printable;
  readonly $ResponseInit: Printable;
  readonly $requestCodec: Printable;
  readonly $responseCodec: Printable;
  readonly $idempotency: Printable;
  readonly $defaults: Printable;
}
