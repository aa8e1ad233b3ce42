/** Servers that are wrong in the one thing that a case is about, and what a client with teeth says of each. */
import { Code, insecure, RpcError, Server, serverTls } from "@trunkline/runtime";
import { identity } from "../../interop/certificates.js";
import {
  type CaseName,
  compressedResponseSizes,
  echoedStatus,
  echoInitialKey,
  echoTrailingKey,
  responseSizes,
  specialStatus,
  zeros,
} from "../../interop/description.js";
import {
  registerTestServiceServer,
  registerUnimplementedServiceServer,
  type TestServiceServer,
  UnimplementedTestServiceServer,
} from "../../interop/gen/ts-proto/grpc/testing/test_grpc.js";
import { testService } from "../../interop/peers/trunkline/service.js";

export interface Wrong {
  readonly testCase: CaseName;
  readonly wrong: string;
  readonly methods?: Partial<TestServiceServer>;
  readonly useTls?: boolean;
  readonly says: RegExp;
}

/** Calls that a server has been wrong about now and then. */
let served = 0;

/** To each request: a server that ends a call before it has read them leaves a client to say that it could not write. */
const noResponses: [] = [];

const payload = (size: number) => ({ payload: { body: zeros(size) } });

/** Two cases are missing: what a client ends itself after a millisecond or a turn, no server can be wrong about. */
export const wrongs: readonly Wrong[] = [
  {
    testCase: "empty_unary",
    wrong: "an error",
    methods: {
      emptyCall: () => {
        throw new RpcError(Code.INTERNAL, "out of order");
      },
    },
    says: /INTERNAL: out of order$/,
  },
  {
    testCase: "large_unary",
    wrong: "a byte too few",
    methods: { unaryCall: ({ responseSize }) => payload(responseSize - 1) },
    says: /^size of the response's payload: expected 314159, got 314158$/,
  },
  {
    testCase: "large_unary",
    wrong: "a byte that is not zero",
    methods: { unaryCall: ({ responseSize }) => ({ payload: { body: zeros(responseSize).slice().fill(1, 7, 8) } }) },
    says: /^place of the first byte of the response's payload that is not zero: expected -1, got 7$/,
  },
  {
    testCase: "large_unary",
    wrong: "no payload",
    methods: { unaryCall: () => ({}) },
    says: /^size of the response's payload: expected 314159, got none$/,
  },
  {
    testCase: "client_streaming",
    wrong: "a wrong sum",
    methods: { streamingInputCall: () => ({ aggregatedPayloadSize: 1 }) },
    says: /^aggregated_payload_size: expected 74922, got 1$/,
  },
  {
    testCase: "server_streaming",
    wrong: "a response too few",
    methods: { streamingOutputCall: () => responseSizes.slice(1).map(payload).reverse() },
    says: /^size of response 1: expected 31415, got 58979$/,
  },
  {
    testCase: "server_streaming",
    wrong: "a response too many",
    methods: { streamingOutputCall: () => [...responseSizes, 1].map(payload) },
    says: /^number of responses: expected 4, got 5$/,
  },
  {
    testCase: "ping_pong",
    wrong: "every response twice",
    methods: {
      async *fullDuplexCall(requests, call) {
        for await (const response of testService.fullDuplexCall(requests, call)) yield* [response, response];
      },
    },
    says: /^size of response 2: expected 9, got 31415$/,
  },
  {
    testCase: "ping_pong",
    wrong: "a response after the last",
    methods: {
      async *fullDuplexCall(requests, call) {
        yield* testService.fullDuplexCall(requests, call);
        yield payload(1);
      },
    },
    says: /^(end of the responses after the half-close: expected true, got false|number of responses: expected 4, got 5)$/,
  },
  {
    testCase: "empty_stream",
    wrong: "a response",
    methods: { fullDuplexCall: () => [payload(0)] },
    says: /^number of responses: expected 0, got 1$/,
  },
  {
    testCase: "cancel_after_first_response",
    wrong: "an end without a response",
    methods: {
      async *fullDuplexCall(requests) {
        await requests[Symbol.asyncIterator]().next();
        yield* noResponses;
      },
    },
    says: /^(end of the responses before the first: expected false, got true|status of the call: expected "CANCELLED", got "OK")$/,
  },
  {
    testCase: "status_code_and_message",
    wrong: "another code for the unary call",
    methods: {
      unaryCall: () => {
        throw new RpcError(Code.ABORTED, echoedStatus.message);
      },
    },
    says: /^status of UnaryCall: expected "UNKNOWN", got "ABORTED"$/,
  },
  {
    testCase: "status_code_and_message",
    wrong: "another message for the stream",
    methods: {
      async *fullDuplexCall(requests) {
        for await (const _ of requests) yield* noResponses;
        throw new RpcError(Code.UNKNOWN, "test status");
      },
    },
    says: /^status message of FullDuplexCall: expected "test status message", got "test status"$/,
  },
  {
    testCase: "status_code_and_message",
    wrong: "OK for the stream",
    methods: {
      async *fullDuplexCall(requests) {
        for await (const _ of requests) yield* noResponses;
      },
    },
    says: /^status of FullDuplexCall: expected "UNKNOWN", got "OK"$/,
  },
  {
    testCase: "special_status_message",
    wrong: "no white space at the ends",
    methods: {
      unaryCall: () => {
        throw new RpcError(Code.UNKNOWN, specialStatus.message.trim());
      },
    },
    says: /^status message of UnaryCall: expected "\\t\\ntest.*😈\\t\\n", got "test.*😈"$/,
  },
  {
    testCase: "custom_metadata",
    wrong: "no headers",
    methods: {
      unaryCall(request, call) {
        call.metadata.delete(echoInitialKey);
        return testService.unaryCall(request, call);
      },
    },
    says: /^x-grpc-test-echo-initial in the headers of UnaryCall: expected "test_initial_metadata_value", got none$/,
  },
  {
    testCase: "custom_metadata",
    wrong: "other trailers of the stream",
    methods: {
      fullDuplexCall(requests, call) {
        call.metadata.set(echoTrailingKey, Uint8Array.of(0xab));
        return testService.fullDuplexCall(requests, call);
      },
    },
    says: /^x-grpc-test-echo-trailing-bin in the trailers of FullDuplexCall: expected 0xababab, got 0xab$/,
  },
  {
    testCase: "unimplemented_method",
    wrong: "the method",
    methods: { unimplementedCall: () => ({}) },
    says: /^status of TestService\/UnimplementedCall: expected "UNIMPLEMENTED", got "OK"$/,
  },
  {
    testCase: "unimplemented_service",
    wrong: "the service",
    says: /^status of UnimplementedService\/UnimplementedCall: expected "UNIMPLEMENTED", got "OK"$/,
  },
  {
    testCase: "client_compressed_unary",
    wrong: "no look at whether requests are compressed",
    methods: { unaryCall: ({ responseSize }) => payload(responseSize) },
    says: /^status of the uncompressed request that is expected to be compressed: expected "INVALID_ARGUMENT", got "OK"$/,
  },
  {
    testCase: "client_compressed_streaming",
    wrong: "no look at whether requests are compressed",
    methods: { streamingInputCall: () => ({ aggregatedPayloadSize: 73_086 }) },
    says: /^status of the uncompressed request that is expected to be compressed: expected "INVALID_ARGUMENT", got "OK"$/,
  },
  {
    testCase: "server_compressed_unary",
    wrong: "no compression",
    methods: { unaryCall: ({ responseSize }) => payload(responseSize) },
    says: /^whether the response was compressed: expected true, got false$/,
  },
  {
    testCase: "server_compressed_streaming",
    wrong: "no compression",
    methods: { streamingOutputCall: () => compressedResponseSizes.map(payload) },
    says: /^whether response 1 was compressed: expected true, got false$/,
  },
  {
    testCase: "per_rpc_creds",
    wrong: "no name for who calls",
    methods: { unaryCall: () => ({}) },
    useTls: true,
    says: /^username: expected "interop@trunkline\.test", got ""$/,
  },
  {
    testCase: "concurrent_large_unary",
    wrong: "one failure among many calls",
    methods: {
      unaryCall: ({ responseSize }) => {
        served++;
        if (served === 15) throw new RpcError(Code.INTERNAL, "out of order");
        return payload(responseSize);
      },
    },
    says: /INTERNAL: out of order$/,
  },
  ...(["rpc_soak", "channel_soak"] as const).map((testCase) => ({
    testCase,
    wrong: "a failure now and then",
    methods: {
      unaryCall: ({ responseSize }: { readonly responseSize: number }) =>
        payload(responseSize + (++served % 5 === 0 ? 1 : 0)),
    },
    says: /^2 of 10 calls failed: .*size of the response's payload: expected 314159, got 314160/,
  })),
];

export async function serve({ testCase, methods, useTls }: Wrong): Promise<{ server: Server; port: number }> {
  served = 0;
  const server = new Server();
  const impl: TestServiceServer = Object.assign(new UnimplementedTestServiceServer(), testService, methods);
  registerTestServiceServer(server, impl);
  if (testCase === "unimplemented_service")
    registerUnimplementedServiceServer(server, { unimplementedCall: () => ({}) });
  const { port } = await server.listen("127.0.0.1:0", { credentials: useTls ? serverTls(identity()) : insecure() });
  return { server, port };
}
