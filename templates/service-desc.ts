import type { BidiStreamMethod, ClientStreamMethod, ServerStreamMethod, UnaryMethod } from "@trunkline/runtime";
import { bidiStreamMethod, clientStreamMethod, serverStreamMethod, unaryMethod } from "@trunkline/runtime";
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
      handler: (impl, request, call) => impl.$unary(request, call),
    }),
    $serverStream: /* @__PURE__ */ serverStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: (impl, request, call) => impl.$serverStream(request, call),
    }),
    $clientStream: /* @__PURE__ */ clientStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: (impl, requests, call) => impl.$clientStream(requests, call),
    }),
    $bidiStream: /* @__PURE__ */ bidiStreamMethod({
      name: "$methodName",
      path: "$path",
      request: $requestCodec,
      response: $responseCodec,
      idempotency: $idempotency,
      defaults: $defaults,
      handler: (impl, requests, call) => impl.$bidiStream(requests, call),
    }),
  },
};
