package main

import "time"

// Numbers, texts and keys of the public description: grpc/grpc, doc/interop-test-descriptions.md.

// Bytes of a payload's body.
const (
	largeRequestSize  = 271828
	largeResponseSize = 314159
)

// Bytes of the payloads' bodies of a stream, in order.
var (
	requestSizes  = []int{27182, 8, 1828, 45904}
	responseSizes = []int{31415, 9, 2653, 58979}
)

const sumOfRequestSizes = 74922

// Those of the streams of which the first message is compressed and the second is not.
var (
	compressedRequestSizes  = []int{27182, 45904}
	compressedResponseSizes = []int{31415, 92653}
)

const sumOfCompressedRequestSizes = 73086

// Calls of concurrent_large_unary that are in flight at the same time.
const defaultConcurrentCalls = 1000

// Who calls in per_rpc_creds, and what their call shows. It is the account that every server here knows.
const (
	accountAuthorization = "Bearer a-token-of-the-interop-cases"
	accountUsername      = "interop@trunkline.test"
	accountOAuthScope    = "https://trunkline.test/auth/interop"
)

// soak has the flags of rpc_soak and channel_soak.
type soak struct {
	iterations int
	// Calls that may fail, or take too long.
	maxFailures int
	maxLatency  time.Duration
	// Between the beginnings of two calls, at least.
	minTimeBetweenRPCs time.Duration
	overallTimeout     time.Duration
	requestSize        int
	responseSize       int
}

var defaultSoak = soak{
	iterations:     10,
	maxLatency:     time.Second,
	overallTimeout: 10 * time.Second,
	requestSize:    largeRequestSize,
	responseSize:   largeResponseSize,
}

const (
	statusMessage        = "test status message"
	specialStatusMessage = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
)

// A server sends the values of these keys back: the first as header, the second as trailer.
const (
	echoInitialKey    = "x-grpc-test-echo-initial"
	echoTrailingKey   = "x-grpc-test-echo-trailing-bin"
	echoInitialValue  = "test_initial_metadata_value"
	echoTrailingValue = "\xab\xab\xab"
)
