"""Many calls: at the same time, or one after another."""

import time
from typing import Callable

from cases.case import Run, Soak, payload
from check import Failure, expect_equal, expect_payload
from description import LARGE_REQUEST_SIZE, LARGE_RESPONSE_SIZE
from failure import line_of
from generated import messages, stubs


def concurrent_large_unary(run: Run) -> None:
    request = messages.SimpleRequest(response_size=LARGE_RESPONSE_SIZE, payload=payload(LARGE_REQUEST_SIZE))
    calls = [run.test.UnaryCall.future(request) for _ in range(run.concurrent_calls)]
    for call in calls:
        expect_payload("the response's payload", call.result(), LARGE_RESPONSE_SIZE)


def rpc_soak(run: Run) -> None:
    """All calls on the one channel."""
    _soak_with(run.soak, lambda: _call(run.test, run.soak))


def channel_soak(run: Run) -> None:
    """Each call on a channel, and a connection, of its own."""

    def call() -> None:
        with run.connect() as channel:
            _call(stubs.TestServiceStub(channel), run.soak)

    _soak_with(run.soak, call)


def _call(test: stubs.TestServiceStub, soak: Soak) -> None:
    request = messages.SimpleRequest(response_size=soak.response_size, payload=payload(soak.request_size))
    expect_payload("the response's payload", test.UnaryCall(request), soak.response_size)


def _soak_with(soak: Soak, call: Callable[[], None]) -> None:
    failures: list[str] = []
    begun = time.monotonic()
    done = 0
    while done < soak.iterations and time.monotonic() - begun < soak.overall_timeout_seconds:
        done += 1
        start = time.monotonic()
        try:
            call()
            took = (time.monotonic() - start) * 1000
            if took > soak.per_iteration_max_acceptable_latency_ms:
                failures.append(f"call {done} took {took:.0f} ms")
        except Exception as error:
            failures.append(line_of(error))
        left = soak.min_time_ms_between_rpcs / 1000 - (time.monotonic() - start)
        time.sleep(max(0, left))
    expect_equal(f"calls within {soak.overall_timeout_seconds} s", done, soak.iterations)
    if len(failures) > soak.max_failures:
        raise Failure(f"{len(failures)} of {done} calls failed: {failures[0]}")
