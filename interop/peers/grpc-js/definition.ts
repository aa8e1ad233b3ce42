/** The methods, written out by hand; generated messages make the bytes and nothing else. */
import type { MethodDefinition } from "@grpc/grpc-js";
import { Empty } from "../../gen/ts-proto/grpc/testing/empty.js";
import {
  type MessageFns,
  SimpleRequest,
  SimpleResponse,
  StreamingInputCallRequest,
  StreamingInputCallResponse,
  StreamingOutputCallRequest,
  StreamingOutputCallResponse,
} from "../../gen/ts-proto/grpc/testing/messages.js";

type Message<T> = Pick<MessageFns<T>, "encode" | "decode">;

function method<Req, Res>(
  path: string,
  [request, requestStream]: readonly [Message<Req>, boolean],
  [response, responseStream]: readonly [Message<Res>, boolean],
): MethodDefinition<Req, Res> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

const service = "/grpc.testing.TestService";

export const testService = {
  emptyCall: method(`${service}/EmptyCall`, [Empty, false], [Empty, false]),
  unaryCall: method(`${service}/UnaryCall`, [SimpleRequest, false], [SimpleResponse, false]),
  streamingOutputCall: method(
    `${service}/StreamingOutputCall`,
    [StreamingOutputCallRequest, false],
    [StreamingOutputCallResponse, true],
  ),
  streamingInputCall: method(
    `${service}/StreamingInputCall`,
    [StreamingInputCallRequest, true],
    [StreamingInputCallResponse, false],
  ),
  fullDuplexCall: method(
    `${service}/FullDuplexCall`,
    [StreamingOutputCallRequest, true],
    [StreamingOutputCallResponse, true],
  ),
  unimplementedCall: method(`${service}/UnimplementedCall`, [Empty, false], [Empty, false]),
};

export const unimplementedService = {
  unimplementedCall: method("/grpc.testing.UnimplementedService/UnimplementedCall", [Empty, false], [Empty, false]),
};
