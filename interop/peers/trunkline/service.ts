/** TestService, as the public description wants a server to behave. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, RpcError, type ServerCall, wasCompressed } from "@trunkline/runtime";
import { echoInitialKey, echoTrailingKey, zeros } from "../../description.js";
import type { OutputRequest, SimpleRequest, TestService, Wish } from "../../service.js";
import { callerOf, refusalOf } from "../requests.js";

export const testService: TestService = {
  emptyCall: () => ({}),

  unaryCall(request, call) {
    const { responseSize, responseCompressed } = request;
    echoMetadata(call);
    refuse(request);
    refuseUnexpected(request);
    if (responseCompressed !== undefined) call.compression = responseCompressed.value ? "gzip" : "identity";
    return { payload: { body: zeros(responseSize) }, ...callerOf(request, call.metadata.get("authorization")) };
  },

  async *streamingOutputCall(request, call) {
    echoMetadata(call);
    compressAsAsked(request, call);
    yield* responsesTo(request, call);
  },

  async streamingInputCall(requests, call) {
    echoMetadata(call);
    let aggregatedPayloadSize = 0;
    for await (const request of requests) {
      refuseUnexpected(request);
      aggregatedPayloadSize += request.payload?.body.length ?? 0;
    }
    return { aggregatedPayloadSize };
  },

  async *fullDuplexCall(requests, call) {
    echoMetadata(call);
    for await (const request of requests) yield* responsesTo(request, call);
  },
};

async function* responsesTo(request: OutputRequest, call: ServerCall) {
  refuse(request);
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs > 0) await sleep(intervalUs / 1000, undefined, { signal: call.signal });
    yield { payload: { body: zeros(size) } };
  }
}

/** Headers and trailers of any status: both go before anything can fail. */
function echoMetadata(call: ServerCall): void {
  const initial = call.metadata.get(echoInitialKey);
  if (initial !== undefined) call.sendHeaders({ [echoInitialKey]: initial });
  const trailing = call.metadata.get(echoTrailingKey);
  if (trailing !== undefined) call.trailers.set(echoTrailingKey, trailing);
}

/** Of a stream the headers say that there may be compressed messages, and each message whether it is one. */
function compressAsAsked({ responseParameters }: OutputRequest, call: ServerCall): void {
  const wishes = responseParameters.map(({ compressed }) => compressed?.value === true);
  if (!wishes.includes(true)) return;
  call.compression = { encoding: "gzip", thresholdBytes: 0, only: () => wishes.shift()! };
}

/** A request that is compressed, or not, otherwise than it says. */
function refuseUnexpected(request: { readonly expectCompressed?: Wish | undefined }): void {
  const expected = request.expectCompressed?.value;
  if (expected === undefined || expected === wasCompressed(request)) return;
  const was = expected ? "was not compressed, and says that it is" : "was compressed, and says that it is not";
  throw new RpcError(Code.INVALID_ARGUMENT, `the request ${was}`);
}

function refuse(request: SimpleRequest | OutputRequest): void {
  const refusal = refusalOf(request);
  if (refusal !== undefined) throw new RpcError(refusal.code as Code, refusal.message);
}
