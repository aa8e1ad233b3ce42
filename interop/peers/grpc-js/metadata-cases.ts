/** custom_metadata, unary and streaming. */
import { Metadata } from "@grpc/grpc-js";
import { expectEqual, expectPayload } from "../../check.js";
import {
  echoInitialKey,
  echoInitialValue,
  echoTrailingKey,
  echoTrailingValue,
  largeRequestSize,
  largeResponseSize,
  zeros,
} from "../../description.js";
import { SimpleRequest, type StreamingOutputCallResponse } from "../../gen/ts-proto/grpc/testing/messages.js";
import { type Case, checking } from "./case.js";
import { testService } from "./definition.js";
import { fullDuplexCall, outputRequest } from "./streaming-cases.js";

function echoRequest(): Metadata {
  const metadata = new Metadata();
  metadata.set(echoInitialKey, echoInitialValue);
  metadata.set(echoTrailingKey, Buffer.from(echoTrailingValue));
  return metadata;
}

function expectEchoed(what: string, headers: Metadata | undefined, trailers: Metadata): void {
  const [initial] = headers?.get(echoInitialKey) ?? [];
  expectEqual(`${echoInitialKey} in the headers of ${what}`, initial, echoInitialValue);
  const [trailing] = trailers.get(echoTrailingKey);
  const bytes = trailing instanceof Buffer ? new Uint8Array(trailing) : trailing;
  expectEqual(`${echoTrailingKey} in the trailers of ${what}`, bytes, echoTrailingValue);
}

export const unaryMetadata: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.unaryCall;
  let headers: Metadata | undefined;
  let succeeded = false;
  const call = client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    SimpleRequest.fromPartial({ responseSize: largeResponseSize, payload: { body: zeros(largeRequestSize) } }),
    echoRequest(),
    checking(done, (error, response) => {
      if (error !== null) throw error;
      expectPayload("UnaryCall's payload", response?.payload, largeResponseSize);
      succeeded = true;
    }),
  );
  call.on("metadata", (metadata) => {
    headers = metadata;
  });
  // Comes after the callback.
  const onStatus = checking(done, ({ metadata }: { metadata: Metadata }) => {
    if (!succeeded) return;
    expectEchoed("UnaryCall", headers, metadata);
    done();
  });
  call.on("status", onStatus);
};

export const duplexMetadata: Case = (client, done) => {
  const call = fullDuplexCall(client, echoRequest());
  let headers: Metadata | undefined;
  let count = 0;
  call.on("metadata", (metadata) => {
    headers = metadata;
  });
  const onData = checking(done, ({ payload }: StreamingOutputCallResponse) => {
    count++;
    expectPayload("FullDuplexCall's payload", payload, largeResponseSize);
  });
  call.on("data", onData);
  call.on("error", done);
  const onStatus = checking(done, ({ metadata }: { metadata: Metadata }) => {
    expectEqual("number of FullDuplexCall's responses", count, 1);
    expectEchoed("FullDuplexCall", headers, metadata);
    done();
  });
  call.on("status", onStatus);
  call.write(outputRequest(largeRequestSize, largeResponseSize));
  call.end();
};
