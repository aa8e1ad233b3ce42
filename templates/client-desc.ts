import type { BidiStreamMethod, ClientStreamMethod, ServerStreamMethod, UnaryMethod } from "@trunkline/runtime";
import { bidiStreamMethod, clientStreamMethod, notServed, serverStreamMethod, unaryMethod } from "@trunkline/runtime";
import type { $Request, $RequestInit, $Response, $ResponseInit } from "./holes.js";
import { $defaults, $idempotency, $requestCodec, $responseCodec } from "./holes.js";

/** The table of the service: its methods, each with its codecs. It is for clients: nothing can implement it. */
export const $ServiceDesc: {
  readonly serviceName: "$serviceName";
  readonly fileName: "$fileName";
  readonly methods: {
    readonly $unary: UnaryMethod<never, $RequestInit, $Request, $ResponseInit, $Response>;
    readonly $serverStream: ServerStreamMethod<never, $RequestInit, $Request, $ResponseInit, $Response>;
    readonly $clientStream: ClientStreamMethod<never, $RequestInit, $Request, $ResponseInit, $Response>;
    readonly $bidiStream: BidiStreamMethod<never, $RequestInit, $Request, $ResponseInit, $Response>;
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
      handler: notServed,
    }),
    $serverStream: /* @__PURE__ */ serverStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: notServed,
    }),
    $clientStream: /* @__PURE__ */ clientStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: notServed,
    }),
    $bidiStream: /* @__PURE__ */ bidiStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: notServed,
    }),
  },
};
