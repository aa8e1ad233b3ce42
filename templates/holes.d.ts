/**
 * Every hole that a template may have, and what fills it. A template imports the holes that are types or values; names
 * of members and exports, strings and doc comments are holes by their spelling. The compiler refuses one that is not
 * declared here, and makes the type of what `plugin/src/scope.ts` must supply from these two interfaces.
 */
import type { Codec, Idempotency, MethodDefaults } from "@trunkline/runtime";

/** Filled once per service. */
export interface ServiceHoles {
  /** `GreeterDesc` */
  $ServiceDesc: "name";
  /** `GreeterClient`, the interface */
  $ServiceClient: "name";
  /** `greeterClient`, the function */
  $serviceClient: "name";
  $sharedServiceClient: "name";
  $ServiceServer: "name";
  $UnimplementedServiceServer: "name";
  $serviceHandlers: "name";
  $registerServiceServer: "name";
  /** `greeterDescriptors` */
  $serviceDescriptors: "name";
  /** The constant that has the descriptors of the file. */
  $descriptorSet: "value";
  /** `greeterOptions` */
  $serviceOptions: "name";
  /** An encoded google.protobuf.ServiceOptions, in base64. */
  $optionsOfService: "string";
  /** `MockGreeterClient`, the interface */
  $MockServiceClient: "name";
  /** `mockGreeterClient`, the function */
  $mockServiceClient: "name";
  /** `demo.v1.Greeter` */
  $serviceName: "string";
  /** `demo/v1/greeter.proto` */
  $fileName: "string";
  $serviceDoc: "doc";
}

/** Filled once per rpc; only an arm may have these. */
export interface MethodHoles {
  /** `sayHello`: in an arm for all kinds, or in one for its own kind. */
  $method: "name";
  $unary: "name";
  $serverStream: "name";
  $clientStream: "name";
  $bidiStream: "name";
  /** `SayHello` */
  $methodName: "string";
  /** `/demo.v1.Greeter/SayHello` */
  $path: "string";
  $methodDoc: "doc";
  $Request: "type";
  $RequestInit: "type";
  $Response: "type";
  $ResponseInit: "type";
  $requestCodec: "value";
  $responseCodec: "value";
  $idempotency: "value";
  $defaults: "value";
  /** An encoded google.protobuf.MethodOptions, in base64. */
  $optionsOfMethod: "string";
}

/** The whole message, as a user gets it; `…Init` is what a user may pass. */
export interface $Request {
  readonly $Request: unique symbol;
}
export interface $RequestInit {
  readonly $RequestInit: unique symbol;
}
export interface $Response {
  readonly $Response: unique symbol;
}
export interface $ResponseInit {
  readonly $ResponseInit: unique symbol;
}
export declare const $descriptorSet: string;
export declare const $requestCodec: Codec<$RequestInit, $Request>;
export declare const $responseCodec: Codec<$ResponseInit, $Response>;
export declare const $idempotency: Idempotency;
export declare const $defaults: MethodDefaults;
