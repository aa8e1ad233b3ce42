/** TestService, as the public description wants a server to behave. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, RpcError, type ServerCall, wasCompressed } from "@trunkline/runtime";
import { account, echoInitialKey, echoTrailingKey, payloadType, zeros } from "../../description.js";
import type { OutputRequest, SimpleRequest, TestService, Wish } from "../../service.js";

export const testService: TestService = {
  emptyCall: () => ({}),

  unaryCall(request, call) {
    const { responseType, responseSize, responseStatus, responseCompressed } = request;
    echoMetadata(call);
    refuseIfAsked(responseStatus);
    refuseUnknownType(responseType);
    refuseUnexpected(request);
    if (responseCompressed !== undefined) call.compression = responseCompressed.value ? "gzip" : "identity";
    return { payload: { body: zeros(responseSize) }, ...caller(request, call) };
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

/** Of a stream the headers say that there may be compressed messages, and each message whether it is one. */
function compressAsAsked({ responseParameters }: OutputRequest, call: ServerCall): void {
  const wishes = responseParameters.map(({ compressed }) => compressed?.value === true);
  if (!wishes.includes(true)) return;
  call.compression = { encoding: "gzip", thresholdBytes: 0, only: () => wishes.shift()! };
}

/** Whoever shows the one token that there is, as far as the request asks. */
function caller({ fillUsername, fillOauthScope }: SimpleRequest, { metadata }: ServerCall) {
  if (metadata.get("authorization") !== account.authorization) return {};
  return {
    ...(fillUsername && { username: account.username }),
    ...(fillOauthScope && { oauthScope: account.oauthScope }),
  };
}

/** A request that is compressed, or not, otherwise than it says. */
function refuseUnexpected(request: { readonly expectCompressed?: Wish | undefined }): void {
  const expected = request.expectCompressed?.value;
  if (expected === undefined || expected === wasCompressed(request)) return;
  const was = expected ? "was not compressed, and says that it is" : "was compressed, and says that it is not";
  throw new RpcError(Code.INVALID_ARGUMENT, `the request ${was}`);
}

function refuseIfAsked(status: { readonly code: number; readonly message: string } | undefined): void {
  if (status !== undefined && status.code !== Code.OK) throw new RpcError(status.code as Code, status.message);
}

function refuseUnknownType(type: number): void {
  if (type !== payloadType) throw new RpcError(Code.INVALID_ARGUMENT, `there is no payload of type ${type}`);
}
