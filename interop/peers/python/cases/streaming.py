"""Streams that end well."""

from cases.case import Run, output_request, payload, sender
from check import expect_equal, expect_payload
from description import REQUEST_SIZES, RESPONSE_SIZES, SUM_OF_REQUEST_SIZES
from generated import messages


def client_streaming(run: Run) -> None:
    requests = (messages.StreamingInputCallRequest(payload=payload(size)) for size in REQUEST_SIZES)
    response = run.test.StreamingInputCall(requests)
    expect_equal("aggregated_payload_size", response.aggregated_payload_size, SUM_OF_REQUEST_SIZES)


def server_streaming(run: Run) -> None:
    responses = list(run.test.StreamingOutputCall(output_request(0, *RESPONSE_SIZES)))
    for number, (response, size) in enumerate(zip(responses, RESPONSE_SIZES), 1):
        expect_payload(f"response {number}", response, size)
    expect_equal("number of responses", len(responses), len(RESPONSE_SIZES))


def ping_pong(run: Run) -> None:
    with sender() as (send, requests):
        responses = run.test.FullDuplexCall(requests)
        for number, (request_size, size) in enumerate(zip(REQUEST_SIZES, RESPONSE_SIZES), 1):
            send(output_request(request_size, size))
            response = next(responses, None)
            expect_equal(f"end of the responses before response {number}", response is None, False)
            expect_payload(f"response {number}", response, size)
        send(None)
        expect_equal("end of the responses after the half-close", next(responses, None) is None, True)


def empty_stream(run: Run) -> None:
    expect_equal("number of responses", len(list(run.test.FullDuplexCall(iter(())))), 0)
