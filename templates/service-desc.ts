import type { BidiStreamMethod, ClientStreamMethod, ServerStreamMethod, UnaryMethod } from "@trunkline/runtime";
import { bidiStreamMethod, clientStreamMethod, serverStreamMethod, unaryMethod } from "@trunkline/runtime";
import { $serviceHandlers } from "./handlers.js";
import type { $Request, $RequestInit, $Response, $ResponseInit } from "./holes.js";
import { $defaults, $idempotency, $requestCodec, $responseCodec } from "./holes.js";
import type { $ServiceServer } from "./server.js";

/** $serviceDoc */
export const $ServiceDesc: {
  readonly serviceName: "$serviceName";
  readonly fileName: "$fileName";
  readonly methods: {
    /** $methodDoc */
    readonly $unary: UnaryMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
    /** $methodDoc */
    readonly $serverStream: ServerStreamMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
    /** $methodDoc */
    readonly $clientStream: ClientStreamMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
    /** $methodDoc */
    readonly $bidiStream: BidiStreamMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
  };
} = {
  serviceName: "$serviceName",
  fileName: "$fileName",
  methods: {
    $unary: /* @__PURE__ */ unaryMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: $serviceHandlers.$unary,
    }),
    $serverStream: /* @__PURE__ */ serverStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: $serviceHandlers.$serverStream,
    }),
    $clientStream: /* @__PURE__ */ clientStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: $serviceHandlers.$clientStream,
    }),
    $bidiStream: /* @__PURE__ */ bidiStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: $serviceHandlers.$bidiStream,
    }),
  },
};
