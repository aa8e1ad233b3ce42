/** Calls that their caller ends: by a deadline, by cancelling. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Code, sender } from "@trunkline/runtime";
import { expectEqual, expectPayload } from "../check.js";
import { requestSizes, responseSizes, zeros } from "../description.js";
import type { OutputRequestInit } from "../service.js";
import { type Case, drain, expectFailure } from "./case.js";

export const timeoutOnSleepingServer: Case = async ({ test }) => {
  // On a connection that stands it is the call that times out, and not the dialling.
  await test.emptyCall({});
  const requests = sender<OutputRequestInit>();
  const responses = test.fullDuplexCall(requests, { timeoutMs: 1 });
  // Whether it still leaves is a matter of luck.
  requests.send({ payload: { body: zeros(requestSizes[0]) } }).catch(() => {});
  await expectFailure("the call", drain(responses), Code.DEADLINE_EXCEEDED);
};

export const cancelAfterBegin: Case = async ({ test }) => {
  // On a connection that stands the headers leave at once; only then is there something to cancel at the server.
  await test.emptyCall({});
  const controller = new AbortController();
  const call = test.streamingInputCall(sender(), { signal: controller.signal });
  const failure = expectFailure("the call", call, Code.CANCELLED);
  await nextTurn();
  controller.abort();
  await failure;
};

export const cancelAfterFirstResponse: Case = async ({ test }) => {
  const controller = new AbortController();
  const requests = sender<OutputRequestInit>();
  const responses = test.fullDuplexCall(requests, { signal: controller.signal })[Symbol.asyncIterator]();
  await requests.send({
    responseParameters: [{ size: responseSizes[0] }],
    payload: { body: zeros(requestSizes[0]) },
  });
  const first = await responses.next();
  expectEqual("end of the responses before the first", first.done ?? false, false);
  expectPayload("the first response", first.value?.payload, responseSizes[0]);
  controller.abort();
  await expectFailure("the call", responses.next(), Code.CANCELLED);
};
