/** One request, one response. */
import { expectEqual, expectPayload } from "../check.js";
import { largeRequestSize, largeResponseSize, zeros } from "../description.js";
import type { Case } from "./case.js";

export const emptyUnary: Case = async ({ test }) => {
  const response = await test.emptyCall({});
  expectEqual("response", typeof response, "object");
};

export const largeUnary: Case = async ({ test }) => {
  const { payload } = await test.unaryCall({
    responseSize: largeResponseSize,
    payload: { body: zeros(largeRequestSize) },
  });
  expectPayload("the response's payload", payload, largeResponseSize);
};
