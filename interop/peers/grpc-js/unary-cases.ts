/** Cases of one request and one response. */
import { status } from "@grpc/grpc-js";
import { expectEqual, expectPayload } from "../../check.js";
import { echoedStatus, largeRequestSize, largeResponseSize, specialStatus, zeros } from "../../description.js";
import { SimpleRequest } from "../../gen/ts-proto/grpc/testing/messages.js";
import { type Case, checking, expectStatus } from "./case.js";
import { testService, unimplementedService } from "./definition.js";

export const emptyUnary: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.emptyCall;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    {},
    checking(done, (error, response) => {
      if (error !== null) throw error;
      expectEqual("response", typeof response, "object");
      done();
    }),
  );
};

export const largeUnary: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.unaryCall;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    SimpleRequest.fromPartial({ responseSize: largeResponseSize, payload: { body: zeros(largeRequestSize) } }),
    checking(done, (error, response) => {
      if (error !== null) throw error;
      expectPayload("the response's payload", response?.payload, largeResponseSize);
      done();
    }),
  );
};

const unaryStatus =
  (expected: { readonly code: number; readonly message: string }): Case =>
  (client, done) => {
    const { path, requestSerialize, responseDeserialize } = testService.unaryCall;
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      SimpleRequest.fromPartial({ responseStatus: expected }),
      checking(done, (error) => {
        expectStatus("UnaryCall", error, expected.code, expected.message);
        done();
      }),
    );
  };

/** The half of status_code_and_message that is unary. */
export const unaryStatusCodeAndMessage = unaryStatus(echoedStatus);
export const specialStatusMessage = unaryStatus(specialStatus);

export const unimplementedMethod: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.unimplementedCall;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    {},
    checking(done, (error) => {
      expectStatus("TestService/UnimplementedCall", error, status.UNIMPLEMENTED);
      done();
    }),
  );
};

export const unimplementedServiceCall: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = unimplementedService.unimplementedCall;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    {},
    checking(done, (error) => {
      expectStatus("UnimplementedService/UnimplementedCall", error, status.UNIMPLEMENTED);
      done();
    }),
  );
};
