"""
Messages with whether they were compressed. Python does not tell; but C-core can be told to hand over what it received
as it is, and leave it to whoever asked to decompress it.
"""

import gzip
from typing import Callable, NamedTuple

from google.protobuf.message import Message

# Of a channel or a server.
AS_RECEIVED = ("grpc.per_message_decompression", 0)

# No message begins so: as a tag this has a wire type that there is not.
GZIP = b"\x1f\x8b"


class Received(NamedTuple):
    message: Message
    was_compressed: bool


def received(kind: type[Message]) -> Callable[[bytes], Received]:
    """What reads the bytes of a message of this kind, where the channel or the server has AS_RECEIVED."""

    def read(data: bytes) -> Received:
        was_compressed = data.startswith(GZIP)
        return Received(kind.FromString(gzip.decompress(data) if was_compressed else data), was_compressed)

    return read
