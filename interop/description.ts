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
] as const;

export type CaseName = (typeof caseNames)[number];

/** Bytes of a payload's body. */
export const largeRequestSize = 271_828;
export const largeResponseSize = 314_159;

/** Bytes of the payloads' bodies of a stream, in order. */
export const requestSizes = [27_182, 8, 1_828, 45_904] as const;
export const responseSizes = [31_415, 9, 2_653, 58_979] as const;

export const sumOfRequestSizes = 74_922;

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

export const zeros = (size: number): Uint8Array => new Uint8Array(size);
