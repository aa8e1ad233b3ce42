/** Streams that end well. */
import { sender } from "@trunkline/runtime";
import { expectEqual, expectPayload } from "../check.js";
import { requestSizes, responseSizes, sumOfRequestSizes, zeros } from "../description.js";
import type { OutputRequestInit } from "../service.js";
import type { Case } from "./case.js";

export const clientStreaming: Case = async ({ test }) => {
  const requests = requestSizes.map((size) => ({ payload: { body: zeros(size) } }));
  const { aggregatedPayloadSize } = await test.streamingInputCall(requests);
  expectEqual("aggregated_payload_size", aggregatedPayloadSize, sumOfRequestSizes);
};

export const serverStreaming: Case = async ({ test }) => {
  const responseParameters = responseSizes.map((size) => ({ size }));
  let count = 0;
  for await (const { payload } of test.streamingOutputCall({ responseParameters })) {
    const size = responseSizes[count++];
    if (size !== undefined) expectPayload(`response ${count}`, payload, size);
  }
  expectEqual("number of responses", count, responseSizes.length);
};

export const pingPong: Case = async ({ test }) => {
  const requests = sender<OutputRequestInit>();
  const responses = test.fullDuplexCall(requests)[Symbol.asyncIterator]();
  for (const [i, size] of responseSizes.entries()) {
    await requests.send({ responseParameters: [{ size }], payload: { body: zeros(requestSizes[i]!) } });
    const response = await responses.next();
    expectEqual(`end of the responses before response ${i + 1}`, response.done ?? false, false);
    expectPayload(`response ${i + 1}`, response.value?.payload, size);
  }
  requests.close();
  const { done } = await responses.next();
  expectEqual("end of the responses after the half-close", done, true);
};

export const emptyStream: Case = async ({ test }) => {
  let count = 0;
  for await (const _ of test.fullDuplexCall([])) count++;
  expectEqual("number of responses", count, 0);
};
