/** TestService on plain grpc-js, with callbacks and events. */
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type StatusObject,
} from "@grpc/grpc-js";
import { identity } from "../../certificates.js";
import { echoInitialKey, echoTrailingKey, payloadType, zeros } from "../../description.js";
import type { Empty } from "../../gen/ts-proto/grpc/testing/empty.js";
import type {
  ResponseParameters,
  SimpleRequest,
  SimpleResponse,
  StreamingInputCallRequest,
  StreamingInputCallResponse,
  StreamingOutputCallRequest,
  StreamingOutputCallResponse,
} from "../../gen/ts-proto/grpc/testing/messages.js";
import type { RunningServer, ServerOptions } from "../peer.js";
import { callerOf, refusalOf } from "../requests.js";
import { testService } from "./definition.js";

const emptyCall: handleUnaryCall<Empty, Empty> = (_call, callback) => callback(null, {});

const unaryCall: handleUnaryCall<SimpleRequest, SimpleResponse> = (call, callback) => {
  const trailers = echoMetadata(call);
  const refusal = refuse(call.request, trailers);
  if (refusal !== undefined) return callback(refusal);
  const payload = { type: payloadType, body: zeros(call.request.responseSize) };
  callback(null, { payload, ...callerOf(call.request, call.metadata.get("authorization")[0]) }, trailers);
};

const streamingInputCall: handleClientStreamingCall<StreamingInputCallRequest, StreamingInputCallResponse> = (
  call,
  callback,
) => {
  const trailers = echoMetadata(call);
  let aggregatedPayloadSize = 0;
  call.on("data", ({ payload }: StreamingInputCallRequest) => {
    aggregatedPayloadSize += payload?.body.length ?? 0;
  });
  call.on("end", () => callback(null, { aggregatedPayloadSize }, trailers));
};

const streamingOutputCall: handleServerStreamingCall<StreamingOutputCallRequest, StreamingOutputCallResponse> = (
  call,
) => {
  const trailers = echoMetadata(call);
  const refusal = refuse(call.request, trailers);
  if (refusal !== undefined) {
    call.emit("error", refusal);
    return;
  }
  respond(call, call.request.responseParameters, () => call.end(trailers));
};

const fullDuplexCall: handleBidiStreamingCall<StreamingOutputCallRequest, StreamingOutputCallResponse> = (call) => {
  const trailers = echoMetadata(call);
  call.on("data", (request: StreamingOutputCallRequest) => {
    const refusal = refuse(request, trailers);
    if (refusal !== undefined) {
      call.emit("error", refusal);
      return;
    }
    // The next request waits until this one is answered.
    call.pause();
    respond(call, request.responseParameters, () => call.resume());
  });
  call.on("end", () => call.end(trailers));
};

type ResponseStream =
  | ServerWritableStream<StreamingOutputCallRequest, StreamingOutputCallResponse>
  | ServerDuplexStream<StreamingOutputCallRequest, StreamingOutputCallResponse>;

/** Writes a response for each of the parameters, at the pace of the reader and of their intervals. */
function respond(call: ResponseStream, parameters: readonly ResponseParameters[], done: () => void): void {
  const [next, ...rest] = parameters;
  if (next === undefined) {
    done();
    return;
  }
  const write = () => {
    if (call.cancelled) return;
    const roomLeft = call.write({ payload: { type: payloadType, body: zeros(next.size) } });
    const goOn = () => respond(call, rest, done);
    if (roomLeft) goOn();
    else call.once("drain", goOn);
  };
  if (next.intervalUs > 0) setTimeout(write, next.intervalUs / 1000);
  else write();
}

/** Sends back what is to come as header; returns what is to come as trailer. */
function echoMetadata(call: { metadata: Metadata; sendMetadata(metadata: Metadata): void }): Metadata {
  const trailers = new Metadata();
  for (const value of call.metadata.get(echoTrailingKey)) trailers.add(echoTrailingKey, value);
  const initial = call.metadata.get(echoInitialKey);
  if (initial.length > 0) {
    const headers = new Metadata();
    for (const value of initial) headers.add(echoInitialKey, value);
    call.sendMetadata(headers);
  }
  return trailers;
}

/**
 * A stream gets it by `emit("error")`, as grpc-js has it: after `destroy()` it would send none, and the client would wait
 * for ever.
 */
function refuse(request: SimpleRequest | StreamingOutputCallRequest, metadata: Metadata): StatusObject | undefined {
  const refusal = refusalOf(request);
  return refusal && { code: refusal.code, details: refusal.message, metadata };
}

function credentials(): ServerCredentials {
  const { cert, key } = identity();
  return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
}

export function serve(port: number, { useTls }: ServerOptions): Promise<RunningServer> {
  const server = new Server();
  server.addService(testService, { emptyCall, unaryCall, streamingInputCall, streamingOutputCall, fullDuplexCall });
  return new Promise((resolve, reject) => {
    server.bindAsync(
      `127.0.0.1:${port}`,
      useTls ? credentials() : ServerCredentials.createInsecure(),
      (error, bound) => {
        if (error !== null) return reject(error);
        resolve({
          port: bound,
          stop: async () => server.forceShutdown(),
        });
      },
    );
  });
}
