"""
Messages that are compressed, one by one. The requests of a stream are all compressed or none, so that there is no
client_compressed_streaming.
"""

from cases.case import Run, payload
from check import expect_equal, expect_payload, expect_status
from description import COMPRESSED_RESPONSE_SIZES, LARGE_REQUEST_SIZE, LARGE_RESPONSE_SIZE
from generated import messages
from grpc import Compression, StatusCode
from received import AS_RECEIVED, received

COMPRESSED = messages.BoolValue(value=True)
UNCOMPRESSED = messages.BoolValue(value=False)
WISHES = (COMPRESSED, UNCOMPRESSED)

# A server that looks refuses what says that it is compressed, and is not.
PROBED = "the uncompressed request that is expected to be compressed"


def client_compressed_unary(run: Run) -> None:
    def request(expect_compressed: messages.BoolValue) -> messages.SimpleRequest:
        return messages.SimpleRequest(
            expect_compressed=expect_compressed,
            response_size=LARGE_RESPONSE_SIZE,
            payload=payload(LARGE_REQUEST_SIZE),
        )

    expect_status(PROBED, run.test.UnaryCall.future(request(COMPRESSED)), StatusCode.INVALID_ARGUMENT)
    for wish, compression in ((COMPRESSED, Compression.Gzip), (UNCOMPRESSED, Compression.NoCompression)):
        response = run.test.UnaryCall(request(wish), compression=compression)
        expect_payload(f"the response to the request with {compression.name}", response, LARGE_RESPONSE_SIZE)


def server_compressed_unary(run: Run) -> None:
    with run.connect(AS_RECEIVED) as channel:
        seen_as_received = channel.unary_unary(
            "/grpc.testing.TestService/UnaryCall",
            messages.SimpleRequest.SerializeToString,
            received(messages.SimpleResponse),
        )
        for wish in WISHES:
            request = messages.SimpleRequest(
                response_compressed=wish,
                response_size=LARGE_RESPONSE_SIZE,
                payload=payload(LARGE_REQUEST_SIZE),
            )
            response, was_compressed = seen_as_received(request)
            expect_equal("whether the response was compressed", was_compressed, wish.value)
            expect_payload("the response's payload", response, LARGE_RESPONSE_SIZE)
            # And as C-core decompresses it.
            expect_payload("the response's payload", run.test.UnaryCall(request), LARGE_RESPONSE_SIZE)


def server_compressed_streaming(run: Run) -> None:
    request = messages.StreamingOutputCallRequest(
        response_parameters=[
            messages.ResponseParameters(compressed=wish, size=size)
            for wish, size in zip(WISHES, COMPRESSED_RESPONSE_SIZES)
        ]
    )
    with run.connect(AS_RECEIVED) as channel:
        seen_as_received = channel.unary_stream(
            "/grpc.testing.TestService/StreamingOutputCall",
            messages.StreamingOutputCallRequest.SerializeToString,
            received(messages.StreamingOutputCallResponse),
        )
        responses = list(seen_as_received(request))
    for number, ((_, was_compressed), wish) in enumerate(zip(responses, WISHES), 1):
        expect_equal(f"whether response {number} was compressed", was_compressed, wish.value)
    # And as C-core decompresses them.
    for read in ([message for message, _ in responses], list(run.test.StreamingOutputCall(request))):
        for number, (response, size) in enumerate(zip(read, COMPRESSED_RESPONSE_SIZES), 1):
            expect_payload(f"response {number}", response, size)
        expect_equal("number of responses", len(read), len(WISHES))
