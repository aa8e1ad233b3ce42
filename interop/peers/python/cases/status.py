"""Statuses that servers answer with."""

from cases.case import Run, drain
from check import expect_status
from description import ECHOED_MESSAGE, SPECIAL_MESSAGE
from generated import empty, messages
from grpc import StatusCode


def _unknown(message: str) -> messages.EchoStatus:
    """A code that no library makes up for this."""
    return messages.EchoStatus(code=StatusCode.UNKNOWN.value[0], message=message)


def status_code_and_message(run: Run) -> None:
    status = _unknown(ECHOED_MESSAGE)
    unary = run.test.UnaryCall.future(messages.SimpleRequest(response_status=status))
    expect_status("UnaryCall", unary, StatusCode.UNKNOWN, ECHOED_MESSAGE)
    duplex = run.test.FullDuplexCall(iter([messages.StreamingOutputCallRequest(response_status=status)]))
    drain(duplex)
    expect_status("FullDuplexCall", duplex, StatusCode.UNKNOWN, ECHOED_MESSAGE)


def special_status_message(run: Run) -> None:
    call = run.test.UnaryCall.future(messages.SimpleRequest(response_status=_unknown(SPECIAL_MESSAGE)))
    expect_status("UnaryCall", call, StatusCode.UNKNOWN, SPECIAL_MESSAGE)


def unimplemented_method(run: Run) -> None:
    call = run.test.UnimplementedCall.future(empty.Empty())
    expect_status("TestService/UnimplementedCall", call, StatusCode.UNIMPLEMENTED)


def unimplemented_service(run: Run) -> None:
    call = run.unimplemented.UnimplementedCall.future(empty.Empty())
    expect_status("UnimplementedService/UnimplementedCall", call, StatusCode.UNIMPLEMENTED)
