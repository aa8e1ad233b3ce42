/** Cases with streams. */
import { type CallOptions, type Client, type ClientDuplexStream, Metadata, status } from "@grpc/grpc-js";
import { expectEqual, expectPayload } from "../../check.js";
import { echoedStatus, requestSizes, responseSizes, sumOfRequestSizes, zeros } from "../../description.js";
import {
  StreamingInputCallRequest,
  StreamingOutputCallRequest,
  type StreamingOutputCallResponse,
} from "../../gen/ts-proto/grpc/testing/messages.js";
import { type Case, checking, expectStatus } from "./case.js";
import { testService } from "./definition.js";

export function fullDuplexCall(
  client: Client,
  metadata = new Metadata(),
  options: CallOptions = {},
): ClientDuplexStream<StreamingOutputCallRequest, StreamingOutputCallResponse> {
  const { path, requestSerialize, responseDeserialize } = testService.fullDuplexCall;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
}

/** A request with a payload of one size for a response of another. */
export function outputRequest(requestSize: number, ...sizes: number[]): StreamingOutputCallRequest {
  return StreamingOutputCallRequest.fromPartial({
    responseParameters: sizes.map((size) => ({ size })),
    payload: { body: zeros(requestSize) },
  });
}

export const clientStreaming: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.streamingInputCall;
  const call = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    checking(done, (error, response) => {
      if (error !== null) throw error;
      expectEqual("aggregated_payload_size", response?.aggregatedPayloadSize, sumOfRequestSizes);
      done();
    }),
  );
  for (const size of requestSizes)
    call.write(StreamingInputCallRequest.fromPartial({ payload: { body: zeros(size) } }));
  call.end();
};

export const serverStreaming: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.streamingOutputCall;
  const request = StreamingOutputCallRequest.fromPartial({
    responseParameters: responseSizes.map((size) => ({ size })),
  });
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  let count = 0;
  const onData = checking(done, ({ payload }: StreamingOutputCallResponse) => {
    const size = responseSizes[count++];
    if (size !== undefined) expectPayload(`response ${count}`, payload, size);
  });
  call.on("data", onData);
  call.on("error", done);
  const onEnd = checking(done, () => {
    expectEqual("number of responses", count, responseSizes.length);
    done();
  });
  call.on("end", onEnd);
};

export const pingPong: Case = (client, done) => {
  const call = fullDuplexCall(client);
  let count = 0;
  const send = () => call.write(outputRequest(requestSizes[count]!, responseSizes[count]!));
  const onData = checking(done, ({ payload }: StreamingOutputCallResponse) => {
    const size = responseSizes[count++];
    if (size === undefined) return;
    expectPayload(`response ${count}`, payload, size);
    if (count < responseSizes.length) send();
    else call.end();
  });
  call.on("data", onData);
  call.on("error", done);
  const onEnd = checking(done, () => {
    expectEqual("number of responses", count, responseSizes.length);
    done();
  });
  call.on("end", onEnd);
  send();
};

export const emptyStream: Case = (client, done) => {
  const call = fullDuplexCall(client);
  let count = 0;
  call.on("data", () => count++);
  call.on("error", done);
  const onEnd = checking(done, () => {
    expectEqual("number of responses", count, 0);
    done();
  });
  call.on("end", onEnd);
  call.end();
};

/** The half of status_code_and_message that streams. */
export const duplexStatusCodeAndMessage: Case = (client, done) => {
  const call = fullDuplexCall(client);
  call.on("data", () => {});
  call.on("error", () => {}); // Its status comes as an event of its own, whatever it is.
  const onStatus = checking(done, (ended: { code: status; details: string }) => {
    expectStatus("FullDuplexCall", ended, echoedStatus.code, echoedStatus.message);
    done();
  });
  call.on("status", onStatus);
  call.write(StreamingOutputCallRequest.fromPartial({ responseStatus: echoedStatus }));
  call.end();
};

export const timeoutOnSleepingServer: Case = (client, done) => {
  const call = fullDuplexCall(client, new Metadata(), { deadline: Date.now() + 1 });
  call.on("data", () => {});
  call.on("error", () => {});
  const onStatus = checking(done, (ended: { code: status }) => {
    expectStatus("the call", ended, status.DEADLINE_EXCEEDED);
    done();
  });
  call.on("status", onStatus);
  call.write(outputRequest(requestSizes[0]));
};

export const cancelAfterBegin: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.streamingInputCall;
  const call = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    checking(done, (error) => {
      expectStatus("the call", error, status.CANCELLED);
      done();
    }),
  );
  // A turn later the headers have left.
  setImmediate(() => call.cancel());
};

export const cancelAfterFirstResponse: Case = (client, done) => {
  const call = fullDuplexCall(client);
  let count = 0;
  const onData = checking(done, ({ payload }: StreamingOutputCallResponse) => {
    count++;
    expectPayload("the first response", payload, responseSizes[0]);
    call.cancel();
  });
  call.on("data", onData);
  call.on("error", () => {});
  const onStatus = checking(done, (ended: { code: status }) => {
    expectStatus("the call", ended, status.CANCELLED);
    expectEqual("number of responses", count, 1);
    done();
  });
  call.on("status", onStatus);
  call.write(outputRequest(requestSizes[0], responseSizes[0]));
};
