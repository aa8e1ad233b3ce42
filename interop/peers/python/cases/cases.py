"""The cases by the names that --test_case takes."""

from cases.case import Case
from cases.compression import client_compressed_unary, server_compressed_streaming, server_compressed_unary
from cases.credentials import per_rpc_creds
from cases.ends import cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server
from cases.load import channel_soak, concurrent_large_unary, rpc_soak
from cases.metadata import custom_metadata
from cases.status import (
    special_status_message,
    status_code_and_message,
    unimplemented_method,
    unimplemented_service,
)
from cases.streaming import client_streaming, empty_stream, ping_pong, server_streaming
from cases.unary import empty_unary, large_unary

CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        empty_unary,
        large_unary,
        client_streaming,
        server_streaming,
        ping_pong,
        empty_stream,
        timeout_on_sleeping_server,
        cancel_after_begin,
        cancel_after_first_response,
        status_code_and_message,
        special_status_message,
        custom_metadata,
        unimplemented_method,
        unimplemented_service,
        client_compressed_unary,
        server_compressed_unary,
        server_compressed_streaming,
        per_rpc_creds,
        concurrent_large_unary,
        rpc_soak,
        channel_soak,
    )
}
