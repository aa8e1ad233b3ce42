/** Statuses that servers answer with. */
import { Code } from "@trunkline/runtime";
import { echoedStatus, specialStatus } from "../description.js";
import { type Case, drain, expectFailure } from "./case.js";

export const statusCodeAndMessage: Case = async ({ test }) => {
  const request = { responseStatus: echoedStatus };
  await expectFailure("UnaryCall", test.unaryCall(request), Code.UNKNOWN, echoedStatus.message);
  await expectFailure("FullDuplexCall", drain(test.fullDuplexCall([request])), Code.UNKNOWN, echoedStatus.message);
};

export const specialStatusMessage: Case = async ({ test }) => {
  const call = test.unaryCall({ responseStatus: specialStatus });
  await expectFailure("UnaryCall", call, Code.UNKNOWN, specialStatus.message);
};

export const unimplementedMethod: Case = async ({ test }) => {
  await expectFailure("TestService/UnimplementedCall", test.unimplementedCall({}), Code.UNIMPLEMENTED);
};

export const unimplementedService: Case = async ({ unimplemented }) => {
  await expectFailure(
    "UnimplementedService/UnimplementedCall",
    unimplemented.unimplementedCall({}),
    Code.UNIMPLEMENTED,
  );
};
