"""The numbers and texts of the cases, from the public description: grpc/grpc, doc/interop-test-descriptions.md."""

# Bytes of a payload's body.
LARGE_REQUEST_SIZE = 271_828
LARGE_RESPONSE_SIZE = 314_159

# Bytes of the payloads' bodies of a stream, in order.
REQUEST_SIZES = (27_182, 8, 1_828, 45_904)
RESPONSE_SIZES = (31_415, 9, 2_653, 58_979)
SUM_OF_REQUEST_SIZES = 74_922

# Those of the stream of which the first message is compressed and the second is not.
COMPRESSED_RESPONSE_SIZES = (31_415, 92_653)

# Calls of concurrent_large_unary that are in flight at the same time.
DEFAULT_CONCURRENT_CALLS = 1_000

# Who calls in per_rpc_creds: the server knows one token, and answers with whose it is.
TOKEN = "a-token-of-the-interop-cases"
USERNAME = "interop@trunkline.test"
OAUTH_SCOPE = "https://trunkline.test/auth/interop"

ECHOED_MESSAGE = "test status message"
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"

# A server sends the values of these keys back: the first as header, the second as trailer.
ECHO_INITIAL_KEY = "x-grpc-test-echo-initial"
ECHO_TRAILING_KEY = "x-grpc-test-echo-trailing-bin"
ECHO_INITIAL_VALUE = "test_initial_metadata_value"
ECHO_TRAILING_VALUE = b"\xab\xab\xab"
