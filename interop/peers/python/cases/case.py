"""What a case is given, and what several of them do."""

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Callable, Iterable, Iterator

import grpc
from generated import messages, stubs


@dataclass(frozen=True)
class Soak:
    """The flags of rpc_soak and channel_soak."""

    iterations: int
    max_failures: int
    per_iteration_max_acceptable_latency_ms: int
    min_time_ms_between_rpcs: int
    overall_timeout_seconds: int
    request_size: int
    response_size: int


class Run:
    """Stubs on the channel of a case, and what it needs beside them."""

    def __init__(
        self, channel: grpc.Channel, connect: Callable[..., grpc.Channel], concurrent_calls: int, soak: Soak
    ):
        self.test = stubs.TestServiceStub(channel)
        # Of the service that no server has.
        self.unimplemented = stubs.UnimplementedServiceStub(channel)
        # Makes one more channel, with these options too; whoever asks for it closes it.
        self.connect = connect
        self.concurrent_calls = concurrent_calls
        self.soak = soak


# Raises where something that the description asserts does not hold.
Case = Callable[[Run], None]


def payload(size: int) -> messages.Payload:
    return messages.Payload(body=bytes(size))


def output_request(request_size: int, *sizes: int) -> messages.StreamingOutputCallRequest:
    """A request with a payload of one size for responses of the others."""
    return messages.StreamingOutputCallRequest(
        response_parameters=[messages.ResponseParameters(size=size) for size in sizes],
        payload=payload(request_size),
    )


@contextmanager
def sender() -> Iterator[tuple[Callable[[object], None], Iterator]]:
    """Requests one by one: what sends one, or half-closes with None, and what a call takes."""
    requests: SimpleQueue = SimpleQueue()
    try:
        yield requests.put, iter(requests.get, None)
    finally:
        # The thread that waits for the next request ends.
        requests.put(None)


def drain(responses: Iterable) -> None:
    """Reads a stream to its end, whatever its status is."""
    with suppress(grpc.RpcError):
        for _ in responses:
            pass
