// Generated from templates/holes.d.ts by `npm run templates`; do not edit.
import type { MethodModel } from "../model.js";
import type { Documented, Printable } from "../printer.js";

/** Filled once per service. */
export interface ServiceScope {
  readonly methods: readonly MethodScope[];
  /** `GreeterDesc` */
  readonly $ServiceDesc: Printable;
  /** `GreeterClient`, the interface */
  readonly $ServiceClient: Printable;
  /** `greeterClient`, the function */
  readonly $serviceClient: Printable;
  readonly $sharedServiceClient: Printable;
  readonly $ServiceServer: Printable;
  readonly $UnimplementedServiceServer: Printable;
  readonly $serviceHandlers: Printable;
  readonly $registerServiceServer: Printable;
  /** `greeterDescriptors` */
  readonly $serviceDescriptors: Printable;
  /** The constant that has the descriptors of the file. */
  readonly $descriptorSet: Printable;
  /** `greeterOptions` */
  readonly $serviceOptions: Printable;
  /** An encoded google.protobuf.ServiceOptions, in base64. */
  readonly $optionsOfService: string;
  /** `MockGreeterClient`, the interface */
  readonly $MockServiceClient: Printable;
  /** `mockGreeterClient`, the function */
  readonly $mockServiceClient: Printable;
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
  readonly $method: Printable;
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
  /** An encoded google.protobuf.MethodOptions, in base64. */
  readonly $optionsOfMethod: string;
}
