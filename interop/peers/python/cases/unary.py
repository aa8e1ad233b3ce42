"""One request, one response."""

from cases.case import Run, payload
from check import expect_equal, expect_payload
from description import LARGE_REQUEST_SIZE, LARGE_RESPONSE_SIZE
from generated import empty, messages


def empty_unary(run: Run) -> None:
    response = run.test.EmptyCall(empty.Empty())
    # Of a call that ends with OK and without a response it is None.
    expect_equal("response", type(response).__name__, "Empty")


def large_unary(run: Run) -> None:
    request = messages.SimpleRequest(response_size=LARGE_RESPONSE_SIZE, payload=payload(LARGE_REQUEST_SIZE))
    expect_payload("the response's payload", run.test.UnaryCall(request), LARGE_RESPONSE_SIZE)
