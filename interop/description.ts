/**
 * The cases' names, numbers and texts, from the public description: grpc/grpc, doc/interop-test-descriptions.md. Whoever
 * runs the cases runs these.
 */

export const caseNames = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
  "client_compressed_unary",
  "server_compressed_unary",
  "client_compressed_streaming",
  "server_compressed_streaming",
  "per_rpc_creds",
  "concurrent_large_unary",
  "rpc_soak",
  "channel_soak",
] as const;

export type CaseName = (typeof caseNames)[number];

/** Bytes of a payload's body. */
export const largeRequestSize = 271_828;
export const largeResponseSize = 314_159;

/** Bytes of the payloads' bodies of a stream, in order. */
export const requestSizes = [27_182, 8, 1_828, 45_904] as const;
export const responseSizes = [31_415, 9, 2_653, 58_979] as const;

export const sumOfRequestSizes = 74_922;

/** Those of the streams of which the first message is compressed and the second is not. */
export const compressedRequestSizes = [27_182, 45_904] as const;
export const compressedResponseSizes = [31_415, 92_653] as const;
export const sumOfCompressedRequestSizes = 73_086;

/** Calls of concurrent_large_unary that are in flight at the same time, where nothing else is said. */
export const defaultConcurrentCalls = 1_000;

/**
 * Who calls in per_rpc_creds, and what their call shows. The description has Google's accounts and its token service; here
 * the server knows one token, and answers with whose it is.
 */
export const account = {
  authorization: "Bearer a-token-of-the-interop-cases",
  username: "interop@trunkline.test",
  oauthScope: "https://trunkline.test/auth/interop",
} as const;

/** The flags of rpc_soak and channel_soak; their defaults are the description's. */
export interface Soak {
  readonly iterations: number;
  /** Calls that may fail, or take too long. */
  readonly maxFailures: number;
  readonly perIterationMaxAcceptableLatencyMs: number;
  /** Milliseconds between the beginnings of two calls, at least. */
  readonly minTimeMsBetweenRpcs: number;
  readonly overallTimeoutSeconds: number;
  readonly requestSize: number;
  readonly responseSize: number;
}

export const defaultSoak: Soak = {
  iterations: 10,
  maxFailures: 0,
  perIterationMaxAcceptableLatencyMs: 1_000,
  minTimeMsBetweenRpcs: 0,
  overallTimeoutSeconds: 10,
  requestSize: largeRequestSize,
  responseSize: largeResponseSize,
};

/** UNKNOWN: a code that no library makes up for this. */
export const echoedStatus = { code: 2, message: "test status message" };
export const specialStatus = {
  code: 2,
  message: "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
};

/** A server sends the values of these keys back: the first as header, the second as trailer. */
export const echoInitialKey = "x-grpc-test-echo-initial";
export const echoTrailingKey = "x-grpc-test-echo-trailing-bin";
export const echoInitialValue = "test_initial_metadata_value";
export const echoTrailingValue: Uint8Array = Uint8Array.of(0xab, 0xab, 0xab);

/** The only type of payload there is: COMPRESSABLE. */
export const payloadType = 0 as const;

const largest = new Uint8Array(largeResponseSize);

/** A payload's body, of which nobody may change anything: a thousand large calls share their bytes. */
export const zeros = (size: number): Uint8Array =>
  size >= 0 && size <= largest.length ? largest.subarray(0, size) : new Uint8Array(size);
