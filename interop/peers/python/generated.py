"""What protoc and grpc_python_plugin made of the public protos, which side.ts has them do."""

from pathlib import Path

import grpc

FOLDER = Path(__file__).parents[2] / "build" / "python"

# The modules are named after the protos' folder, grpc/testing: Python looks for that in the package of the library.
grpc.__path__.append(str(FOLDER / "grpc"))

from grpc.testing import empty_pb2 as empty  # noqa: E402
from grpc.testing import messages_pb2 as messages  # noqa: E402
from grpc.testing import test_pb2 as protos  # noqa: E402
from grpc.testing import test_pb2_grpc as stubs  # noqa: E402

__all__ = ["empty", "messages", "protos", "stubs"]
