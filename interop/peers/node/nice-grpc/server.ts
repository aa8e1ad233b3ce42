/** TestService on nice-grpc. */
import { setTimeout as sleep } from "node:timers/promises";
import { ServerCredentials } from "@grpc/grpc-js";
import { type CallContext, createServer, ServerError, type ServiceImplementation } from "nice-grpc";
import { identity } from "../../../certificates.js";
import { echoInitialKey, echoTrailingKey, zeros } from "../../../description.js";
import type { RunningServer, ServerOptions } from "../../peer.js";
import { callerOf, refusalOf } from "../../requests.js";
import type { SimpleRequest, StreamingOutputCallRequest } from "../gen/ts-proto/grpc/testing/messages.js";
import { TestServiceDefinition } from "../gen/ts-proto/grpc/testing/test.js";

/** All but UnimplementedCall: what is defined must be implemented. */
const { unimplementedCall: _, ...methods } = TestServiceDefinition.methods;
const definition = { ...TestServiceDefinition, methods };

const testService: ServiceImplementation<typeof definition> = {
  emptyCall: async () => ({}),

  async unaryCall(request, context) {
    echoMetadata(context);
    refuse(request);
    return {
      payload: { body: zeros(request.responseSize) },
      ...callerOf(request, context.metadata.get("authorization")),
    };
  },

  async *streamingOutputCall(request, context) {
    echoMetadata(context);
    yield* responsesTo(request, context);
  },

  async streamingInputCall(requests, context) {
    echoMetadata(context);
    let aggregatedPayloadSize = 0;
    for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
    return { aggregatedPayloadSize };
  },

  async *fullDuplexCall(requests, context) {
    echoMetadata(context);
    for await (const request of requests) yield* responsesTo(request, context);
  },
};

async function* responsesTo(request: StreamingOutputCallRequest, { signal }: CallContext) {
  refuse(request);
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs > 0) await sleep(intervalUs / 1000, undefined, { signal });
    yield { payload: { body: zeros(size) } };
  }
}

function echoMetadata({ metadata, header, trailer }: CallContext): void {
  const initial = metadata.get(echoInitialKey);
  if (initial !== undefined) header.set(echoInitialKey, initial);
  const trailing = metadata.get(echoTrailingKey);
  if (trailing !== undefined) trailer.set(echoTrailingKey, trailing);
}

function refuse(request: SimpleRequest | StreamingOutputCallRequest): void {
  const refusal = refusalOf(request);
  if (refusal !== undefined) throw new ServerError(refusal.code, refusal.message);
}

function credentials(): ServerCredentials {
  const { cert, key } = identity();
  return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }]);
}

export async function serve(port: number, { useTls }: ServerOptions): Promise<RunningServer> {
  const server = createServer();
  server.add(definition, testService);
  const bound = await server.listen(`127.0.0.1:${port}`, useTls ? credentials() : ServerCredentials.createInsecure());
  return { port: bound, stop: async () => server.forceShutdown() };
}
