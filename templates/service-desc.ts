import type { BidiStreamMethod, ClientStreamMethod, ServerStreamMethod, UnaryMethod } from "@trunkline/runtime";
import { bidiStreamMethod, clientStreamMethod, serverStreamMethod, unaryMethod } from "@trunkline/runtime";
import { $serviceHandlers } from "./handlers.js";
import type { $Request, $RequestInit, $Response, $ResponseInit } from "./holes.js";
import { $defaults, $idempotency, $requestCodec, $responseCodec } from "./holes.js";
import type { $ServiceServer } from "./server.js";

/** The table of the service: its methods, each with its codecs and its handler. */
export const $ServiceDesc: {
  readonly serviceName: "$serviceName";
  readonly fileName: "$fileName";
  readonly methods: {
    readonly $unary: UnaryMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
    readonly $serverStream: ServerStreamMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
    readonly $clientStream: ClientStreamMethod<$ServiceServer, $RequestInit, $Request, $ResponseInit, $Response>;
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
      handler: (impl, request, call) => $serviceHandlers.$unary(impl, request, call),
    }),
    $serverStream: /* @__PURE__ */ serverStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: (impl, request, call) => $serviceHandlers.$serverStream(impl, request, call),
    }),
    $clientStream: /* @__PURE__ */ clientStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: (impl, requests, call) => $serviceHandlers.$clientStream(impl, requests, call),
    }),
    $bidiStream: /* @__PURE__ */ bidiStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: (impl, requests, call) => $serviceHandlers.$bidiStream(impl, requests, call),
    }),
  },
};
