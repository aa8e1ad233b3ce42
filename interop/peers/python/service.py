"""TestService, as the public description wants a server to behave."""

import time
from typing import Iterator

import grpc
from description import ECHO_INITIAL_KEY, ECHO_TRAILING_KEY, OAUTH_SCOPE, TOKEN, USERNAME
from generated import empty, messages, protos
from google.protobuf.message import Message
from received import Received, received

STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


def empty_call(_request: Received, _context: grpc.ServicerContext) -> empty.Empty:
    return empty.Empty()


def unary_call(request: Received, context: grpc.ServicerContext) -> messages.SimpleResponse:
    asked = request.message
    if asked.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    refuse(asked, context)
    refuse_unexpected(request, context)
    response = messages.SimpleResponse(payload=messages.Payload(body=bytes(asked.response_size)))
    if dict(context.invocation_metadata()).get("authorization") == f"Bearer {TOKEN}":
        response.username = USERNAME if asked.fill_username else ""
        response.oauth_scope = OAUTH_SCOPE if asked.fill_oauth_scope else ""
    return response


def streaming_output_call(
    request: Received, context: grpc.ServicerContext
) -> Iterator[messages.StreamingOutputCallResponse]:
    # The headers say that there may be compressed messages, and each message whether it is one.
    if any(parameters.compressed.value for parameters in request.message.response_parameters):
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    yield from responses_to(request, context)


def streaming_input_call(
    requests: Iterator[Received], context: grpc.ServicerContext
) -> messages.StreamingInputCallResponse:
    echo_metadata(context)
    size = 0
    for request in requests:
        refuse_unexpected(request, context)
        size += len(request.message.payload.body)
    return messages.StreamingInputCallResponse(aggregated_payload_size=size)


def full_duplex_call(
    requests: Iterator[Received], context: grpc.ServicerContext
) -> Iterator[messages.StreamingOutputCallResponse]:
    echo_metadata(context)
    for request in requests:
        yield from responses_to(request, context)


def responses_to(
    request: Received, context: grpc.ServicerContext
) -> Iterator[messages.StreamingOutputCallResponse]:
    refuse(request.message, context)
    for parameters in request.message.response_parameters:
        time.sleep(parameters.interval_us / 1e6)
        if not parameters.compressed.value:
            context.disable_next_message_compression()
        yield messages.StreamingOutputCallResponse(payload=messages.Payload(body=bytes(parameters.size)))


def echo_metadata(context: grpc.ServicerContext) -> None:
    """Headers and trailers of any status: both are set before anything can fail."""
    sent = dict(context.invocation_metadata())
    if ECHO_TRAILING_KEY in sent:
        context.set_trailing_metadata(((ECHO_TRAILING_KEY, sent[ECHO_TRAILING_KEY]),))
    if ECHO_INITIAL_KEY in sent:
        context.send_initial_metadata(((ECHO_INITIAL_KEY, sent[ECHO_INITIAL_KEY]),))


def refuse(asked: Message, context: grpc.ServicerContext) -> None:
    """Ends the call with the status that a request asks for, or gets for asking what there is not."""
    code = asked.response_status.code
    if code != 0:
        context.abort(STATUS_CODES.get(code, grpc.StatusCode.UNKNOWN), asked.response_status.message)
    if asked.response_type != messages.COMPRESSABLE:
        refusal = f"there is no payload of type {asked.response_type}"
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, refusal)


def refuse_unexpected(request: Received, context: grpc.ServicerContext) -> None:
    """Ends the call where a request is compressed, or not, otherwise than it says."""
    asked, was_compressed = request
    if not asked.HasField("expect_compressed") or asked.expect_compressed.value == was_compressed:
        return
    was = "was compressed, and says that it is not" if was_compressed else "was not compressed, and says that it is"
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request {was}")


def _handler(kind, behavior, request: type[Message]) -> grpc.RpcMethodHandler:
    return kind(behavior, received(request), lambda response: response.SerializeToString())


# By hand, and not by what is generated, which takes requests without whether they were compressed, and which would
# serve UnimplementedCall.
test_service = grpc.method_handlers_generic_handler(
    protos.DESCRIPTOR.services_by_name["TestService"].full_name,
    {
        "EmptyCall": _handler(grpc.unary_unary_rpc_method_handler, empty_call, empty.Empty),
        "UnaryCall": _handler(grpc.unary_unary_rpc_method_handler, unary_call, messages.SimpleRequest),
        "StreamingInputCall": _handler(
            grpc.stream_unary_rpc_method_handler, streaming_input_call, messages.StreamingInputCallRequest
        ),
        "StreamingOutputCall": _handler(
            grpc.unary_stream_rpc_method_handler, streaming_output_call, messages.StreamingOutputCallRequest
        ),
        "FullDuplexCall": _handler(
            grpc.stream_stream_rpc_method_handler, full_duplex_call, messages.StreamingOutputCallRequest
        ),
    },
)
