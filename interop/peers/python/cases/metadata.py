"""Metadata that goes out with a call and comes back as headers and trailers."""

import grpc
from cases.case import Run, output_request, payload
from check import expect_equal, expect_payload
from description import (
    ECHO_INITIAL_KEY,
    ECHO_INITIAL_VALUE,
    ECHO_TRAILING_KEY,
    ECHO_TRAILING_VALUE,
    LARGE_REQUEST_SIZE,
    LARGE_RESPONSE_SIZE,
)
from generated import messages

SENT = ((ECHO_INITIAL_KEY, ECHO_INITIAL_VALUE), (ECHO_TRAILING_KEY, ECHO_TRAILING_VALUE))


def _expect_echoed(what: str, call: grpc.Call) -> None:
    headers, trailers = dict(call.initial_metadata()), dict(call.trailing_metadata())
    expect_equal(f"{ECHO_INITIAL_KEY} in the headers of {what}", headers.get(ECHO_INITIAL_KEY), ECHO_INITIAL_VALUE)
    expect_equal(f"{ECHO_TRAILING_KEY} in the trailers of {what}", trailers.get(ECHO_TRAILING_KEY), ECHO_TRAILING_VALUE)


def custom_metadata(run: Run) -> None:
    request = messages.SimpleRequest(response_size=LARGE_RESPONSE_SIZE, payload=payload(LARGE_REQUEST_SIZE))
    response, unary = run.test.UnaryCall.with_call(request, metadata=SENT)
    expect_payload("UnaryCall's payload", response, LARGE_RESPONSE_SIZE)
    _expect_echoed("UnaryCall", unary)

    requests = iter([output_request(LARGE_REQUEST_SIZE, LARGE_RESPONSE_SIZE)])
    duplex = run.test.FullDuplexCall(requests, metadata=SENT)
    responses = list(duplex)
    for response in responses:
        expect_payload("FullDuplexCall's payload", response, LARGE_RESPONSE_SIZE)
    expect_equal("number of FullDuplexCall's responses", len(responses), 1)
    _expect_echoed("FullDuplexCall", duplex)
