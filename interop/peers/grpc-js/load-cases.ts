/** Many calls: at the same time, or one after another. */
import type { Client } from "@grpc/grpc-js";
import { expectEqual, expectPayload } from "../../check.js";
import { largeRequestSize, largeResponseSize, type Soak, zeros } from "../../description.js";
import { SimpleRequest } from "../../gen/ts-proto/grpc/testing/messages.js";
import { type Case, checking, type Done } from "./case.js";
import { testService } from "./definition.js";

function unaryCall(client: Client, requestSize: number, responseSize: number, done: Done): void {
  const { path, requestSerialize, responseDeserialize } = testService.unaryCall;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    SimpleRequest.fromPartial({ responseSize, payload: { body: zeros(requestSize) } }),
    checking(done, (error, response) => {
      if (error !== null) throw error;
      expectPayload("the response's payload", response?.payload, responseSize);
      done();
    }),
  );
}

export const concurrentLargeUnary: Case = (client, done, { concurrentCalls }) => {
  let open = concurrentCalls;
  const ended: Done = (error) => {
    if (error !== undefined) done(error);
    else if (--open === 0) done();
  };
  for (let i = 0; i < concurrentCalls; i++) unaryCall(client, largeRequestSize, largeResponseSize, ended);
};

/** All calls on the one channel. */
export const rpcSoak: Case = (client, done, { soak }) => soakWith(soak, () => client, done);

/** Each call on a channel, and a connection, of its own. */
export const channelSoak: Case = (_client, done, { soak, connect }) => soakWith(soak, () => connect({}), done);

function soakWith(soak: Soak, clientOfCall: () => Client, done: Done): void {
  const failures: unknown[] = [];
  const begun = performance.now();
  const next = (made: number): void => {
    const isLate = performance.now() - begun >= soak.overallTimeoutSeconds * 1000;
    if (made < soak.iterations && !isLate) {
      call(made);
      return;
    }
    checking(done, () => {
      expectEqual(`calls within ${soak.overallTimeoutSeconds} s`, made, soak.iterations);
      if (failures.length > soak.maxFailures) {
        throw new Error(`${failures.length} of ${made} calls failed: ${failures[0]}`);
      }
      done();
    })();
  };
  const call = (made: number): void => {
    const start = performance.now();
    unaryCall(clientOfCall(), soak.requestSize, soak.responseSize, (failure) => {
      const took = performance.now() - start;
      if (failure !== undefined) failures.push(failure);
      else if (took > soak.perIterationMaxAcceptableLatencyMs) {
        failures.push(`call ${made + 1} took ${took.toFixed(0)} ms`);
      }
      setTimeout(next, Math.max(0, soak.minTimeMsBetweenRpcs - took), made + 1);
    });
  };
  next(0);
}
