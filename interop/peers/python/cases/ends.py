"""Calls that their caller ends: by a deadline, by cancelling."""

from cases.case import Run, drain, output_request, sender
from check import expect_equal, expect_payload, expect_status
from description import REQUEST_SIZES, RESPONSE_SIZES
from generated import empty
from grpc import StatusCode


def timeout_on_sleeping_server(run: Run) -> None:
    # On a connection that stands it is the call that times out, and not the dialling.
    run.test.EmptyCall(empty.Empty())
    with sender() as (send, requests):
        call = run.test.FullDuplexCall(requests, timeout=0.001)
        send(output_request(REQUEST_SIZES[0]))
        drain(call)
        expect_status("the call", call, StatusCode.DEADLINE_EXCEEDED)


def cancel_after_begin(run: Run) -> None:
    # On a connection that stands there is something to cancel at the server.
    run.test.EmptyCall(empty.Empty())
    with sender() as (_, requests):
        call = run.test.StreamingInputCall.future(requests)
        call.cancel()
        expect_status("the call", call, StatusCode.CANCELLED)


def cancel_after_first_response(run: Run) -> None:
    with sender() as (send, requests):
        call = run.test.FullDuplexCall(requests)
        send(output_request(REQUEST_SIZES[0], RESPONSE_SIZES[0]))
        first = next(call, None)
        expect_equal("end of the responses before the first", first is None, False)
        expect_payload("the first response", first, RESPONSE_SIZES[0])
        call.cancel()
        drain(call)
        expect_status("the call", call, StatusCode.CANCELLED)
