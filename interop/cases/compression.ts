/** Messages that are compressed, one by one, in either direction. */
import { Code } from "@trunkline/runtime";
import { expectEqual, expectPayload } from "../check.js";
import {
  compressedRequestSizes,
  compressedResponseSizes,
  largeRequestSize,
  largeResponseSize,
  sumOfCompressedRequestSizes,
  zeros,
} from "../description.js";
import type { Clients, InputRequestInit, SimpleRequestInit, Wish } from "../service.js";
import { type Case, expectFailure, type Run } from "./case.js";

const compressed: Wish = { value: true };
const uncompressed: Wish = { value: false };

/** Clients that send each request as it says that it is sent. */
function sendingAsExpected(run: Run, use: (clients: Clients) => Promise<void>): Promise<void> {
  const compresses = (request: unknown) =>
    (request as { readonly expectCompressed?: Wish }).expectCompressed?.value === true;
  return run.onChannel({ compresses }, use);
}

/** The probe: a server that looks refuses what says that it is compressed, and is not. */
const probed = "the uncompressed request that is expected to be compressed";

export const clientCompressedUnary: Case = async ({ test }, run) => {
  const request = (expectCompressed: Wish): SimpleRequestInit => ({
    expectCompressed,
    responseSize: largeResponseSize,
    payload: { body: zeros(largeRequestSize) },
  });
  await expectFailure(probed, test.unaryCall(request(compressed)), Code.INVALID_ARGUMENT);
  await sendingAsExpected(run, async ({ test }) => {
    for (const wish of [compressed, uncompressed]) {
      const { payload } = await test.unaryCall(request(wish));
      expectPayload(`the response to the request compressed: ${wish.value}`, payload, largeResponseSize);
    }
  });
};

export const clientCompressedStreaming: Case = async ({ test }, run) => {
  const request = (size: number, expectCompressed: Wish): InputRequestInit => ({
    expectCompressed,
    payload: { body: zeros(size) },
  });
  const [first, second] = compressedRequestSizes;
  await expectFailure(probed, test.streamingInputCall([request(first, compressed)]), Code.INVALID_ARGUMENT);
  await sendingAsExpected(run, async ({ test }) => {
    const requests = [request(first, compressed), request(second, uncompressed)];
    const { aggregatedPayloadSize } = await test.streamingInputCall(requests);
    expectEqual("aggregated_payload_size", aggregatedPayloadSize, sumOfCompressedRequestSizes);
  });
};

export const serverCompressedUnary: Case = async ({ test }, { wasCompressed }) => {
  for (const responseCompressed of [compressed, uncompressed]) {
    const response = await test.unaryCall({
      responseCompressed,
      responseSize: largeResponseSize,
      payload: { body: zeros(largeRequestSize) },
    });
    expectEqual("whether the response was compressed", wasCompressed(response), responseCompressed.value);
    expectPayload("the response's payload", response.payload, largeResponseSize);
  }
};

export const serverCompressedStreaming: Case = async ({ test }, { wasCompressed }) => {
  const wishes = [compressed, uncompressed];
  const responseParameters = wishes.map((wish, i) => ({ compressed: wish, size: compressedResponseSizes[i]! }));
  let count = 0;
  for await (const response of test.streamingOutputCall({ responseParameters })) {
    const expected = responseParameters[count++];
    if (expected === undefined) continue;
    expectEqual(`whether response ${count} was compressed`, wasCompressed(response), expected.compressed.value);
    expectPayload(`response ${count}`, response.payload, expected.size);
  }
  expectEqual("number of responses", count, responseParameters.length);
};
