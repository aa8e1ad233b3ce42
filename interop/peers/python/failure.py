"""What went wrong with a case or a call, in one line."""

import grpc


def line_of(error: Exception) -> str:
    # As text it has a line for each of what it knows.
    if isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call):
        return f"{error.code().name}: {error.details()}".replace("\n", " ")
    return str(error).split("\n")[0] or type(error).__name__
