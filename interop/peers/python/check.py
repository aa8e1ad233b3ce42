"""Assertions that say in one line what was checked, what was to be, and what was."""

import json

import grpc
from generated import messages
from google.protobuf.message import Message


class Failure(Exception):
    """The message is that line."""


def expect_equal(what: str, actual, expected) -> None:
    if actual != expected:
        raise Failure(f"{what}: expected {_show(expected)}, got {_show(actual)}")


def expect_payload(what: str, response: Message, size: int) -> None:
    """A response with a payload of so many zeros."""
    body = response.payload.body
    expect_equal(f"size of {what}", len(body) if response.HasField("payload") else None, size)
    expect_equal(f"type of {what}", response.payload.type, messages.COMPRESSABLE)
    leading_zeros = size - len(body.lstrip(b"\0"))
    place = -1 if leading_zeros == size else leading_zeros
    expect_equal(f"place of the first byte of {what} that is not zero", place, -1)


def expect_status(what: str, call: grpc.Call, code: grpc.StatusCode, details: str | None = None) -> None:
    """Waits for the status of a call of which no response is left to read."""
    expect_equal(f"status of {what}", call.code().name, code.name)
    if details is not None:
        expect_equal(f"status message of {what}", call.details(), details)


def _show(value) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
