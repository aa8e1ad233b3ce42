/** TestService, as the public description wants a server to behave. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, RpcError, type ServerCall } from "@trunkline/runtime";
import { echoInitialKey, echoTrailingKey, payloadType, zeros } from "../../description.js";
import type { OutputRequest, TestService } from "../../service.js";

export const testService: TestService = {
  emptyCall: () => ({}),

  unaryCall({ responseType, responseSize, responseStatus }, call) {
    echoMetadata(call);
    refuseIfAsked(responseStatus);
    refuseUnknownType(responseType);
    return { payload: { body: zeros(responseSize) } };
  },

  async *streamingOutputCall(request, call) {
    echoMetadata(call);
    yield* responsesTo(request, call);
  },

  async streamingInputCall(requests, call) {
    echoMetadata(call);
    let aggregatedPayloadSize = 0;
    for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
    return { aggregatedPayloadSize };
  },

  async *fullDuplexCall(requests, call) {
    echoMetadata(call);
    for await (const request of requests) yield* responsesTo(request, call);
  },
};

async function* responsesTo({ responseType, responseParameters, responseStatus }: OutputRequest, call: ServerCall) {
  refuseIfAsked(responseStatus);
  refuseUnknownType(responseType);
  for (const { size, intervalUs } of responseParameters) {
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

function refuseIfAsked(status: { readonly code: number; readonly message: string } | undefined): void {
  if (status !== undefined && status.code !== Code.OK) throw new RpcError(status.code as Code, status.message);
}

function refuseUnknownType(type: number): void {
  if (type !== payloadType) throw new RpcError(Code.INVALID_ARGUMENT, `there is no payload of type ${type}`);
}
