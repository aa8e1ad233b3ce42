/** Metadata that goes out with a call and comes back as headers and trailers. */
import { sender } from "@trunkline/runtime";
import { expectEqual, expectPayload } from "../check.js";
import {
  echoInitialKey,
  echoInitialValue,
  echoTrailingKey,
  echoTrailingValue,
  largeRequestSize,
  largeResponseSize,
  zeros,
} from "../description.js";
import type { CallOptions, OutputRequestInit, ReceivedMetadata } from "../service.js";
import type { Case } from "./case.js";

/** Options that send the metadata, and a check that it came back. */
function echo(what: string): { options: CallOptions; expectEchoed: () => void } {
  let headers: ReceivedMetadata | undefined;
  let trailers: ReceivedMetadata | undefined;
  return {
    options: {
      metadata: { [echoInitialKey]: echoInitialValue, [echoTrailingKey]: echoTrailingValue },
      onHeaders: (metadata) => {
        headers = metadata;
      },
      onTrailers: (metadata) => {
        trailers = metadata;
      },
    },
    expectEchoed: () => {
      expectEqual(`${echoInitialKey} in the headers of ${what}`, headers?.get(echoInitialKey), echoInitialValue);
      const trailing = trailers?.get(echoTrailingKey);
      // A Buffer is equal to the same bytes only as another Uint8Array.
      const bytes = trailing instanceof Uint8Array ? new Uint8Array(trailing) : trailing;
      expectEqual(`${echoTrailingKey} in the trailers of ${what}`, bytes, echoTrailingValue);
    },
  };
}

export const customMetadata: Case = async ({ test }) => {
  const unary = echo("UnaryCall");
  const payload = { body: zeros(largeRequestSize) };
  const response = await test.unaryCall({ responseSize: largeResponseSize, payload }, unary.options);
  expectPayload("UnaryCall's payload", response.payload, largeResponseSize);
  unary.expectEchoed();

  const duplex = echo("FullDuplexCall");
  const requests = sender<OutputRequestInit>();
  const responses = test.fullDuplexCall(requests, duplex.options);
  await requests.send({ responseParameters: [{ size: largeResponseSize }], payload });
  requests.close();
  let count = 0;
  for await (const { payload } of responses) {
    count++;
    expectPayload("FullDuplexCall's payload", payload, largeResponseSize);
  }
  expectEqual("number of FullDuplexCall's responses", count, 1);
  duplex.expectEchoed();
};
