import {
  ConnectError,
  type CallOptions as ConnectOptions,
  createClient,
  decodeBinaryHeader,
  encodeBinaryHeader,
} from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Code, RpcError } from "@trunkline/runtime";
import { authority } from "../../../certificates.js";
import type { ReceivedMetadata } from "../../../service.js";
import { TestService, UnimplementedService } from "../gen/protobuf-es/grpc/testing/test_pb.js";
import type { Library } from "../library.js";
import { gzip, wasCompressed } from "./compression.js";

/** Megabytes. node:http2 fails calls with ENHANCE_YOUR_CALM where those of a connection have more than 10 to send. */
const maxSessionMemory = 1_000;

export const library: Library<ConnectOptions> = {
  connect(address, { useTls, useTestCa, serverHostOverride }) {
    const { host, hostname, port } = new URL(`http://${address}`);
    const named = serverHostOverride === undefined ? host : `${serverHostOverride}:${port}`;
    const baseUrl = `${useTls ? "https" : "http"}://${named}`;
    const sessionManager = new Http2SessionManager(baseUrl, undefined, {
      maxSessionMemory,
      ...(useTestCa && { ca: authority() }),
      // Dialled instead of the host of baseUrl, which goes into TLS and :authority.
      ...(serverHostOverride !== undefined && { host: hostname }),
    });
    const common = { baseUrl, sessionManager, acceptCompression: [gzip] };
    const transport = createGrpcTransport(common);
    return {
      test: createClient(TestService, transport),
      compressing: createClient(TestService, createGrpcTransport({ ...common, sendCompression: gzip })),
      unimplemented: createClient(UnimplementedService, transport),
      close: () => sessionManager.abort(),
    };
  },

  optionsOf({ signal, timeoutMs, metadata, credentials, onHeaders, onTrailers }) {
    // Credentials are headers like others here.
    const entries = Object.entries({ ...metadata, ...credentials?.() });
    return {
      headers: entries.map(([key, value]) => [key, typeof value === "string" ? value : encodeBinaryHeader(value)]),
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onHeaders && { onHeader: (headers) => onHeaders(received(headers)) }),
      ...(onTrailers && { onTrailer: (trailers) => onTrailers(received(trailers)) }),
    };
  },

  errorOf(error) {
    if (!(error instanceof ConnectError)) return error;
    return new RpcError(error.code as number as Code, error.rawMessage, { cause: error });
  },

  wasCompressed,
};

function received(headers: Headers): ReceivedMetadata {
  return {
    get(key) {
      const value = headers.get(key) ?? undefined;
      return value !== undefined && key.endsWith("-bin") ? decodeBinaryHeader(value) : value;
    },
  };
}
