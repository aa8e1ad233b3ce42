/** TestService on connect-node. */
import { once } from "node:events";
import { createSecureServer, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { identity } from "../../../certificates.js";
import { echoInitialKey, echoTrailingKey, zeros } from "../../../description.js";
import type { RunningServer, ServerOptions } from "../../peer.js";
import { callerOf, refusalOf } from "../../requests.js";
import type {
  SimpleRequest,
  StreamingInputCallRequest,
  StreamingOutputCallRequest,
} from "../gen/protobuf-es/grpc/testing/messages_pb.js";
import { TestService } from "../gen/protobuf-es/grpc/testing/test_pb.js";
import { gzip, wasCompressed } from "./compression.js";

/** All but UnimplementedCall. */
const testService: Partial<ServiceImpl<typeof TestService>> = {
  emptyCall: () => ({}),

  unaryCall(request, context) {
    echoMetadata(context);
    refuse(request);
    refuseUnexpected(request);
    return {
      payload: { body: zeros(request.responseSize) },
      ...callerOf(request, context.requestHeader.get("authorization")),
    };
  },

  async *streamingOutputCall(request, context) {
    echoMetadata(context);
    yield* responsesTo(request, context);
  },

  async streamingInputCall(requests, context) {
    echoMetadata(context);
    let aggregatedPayloadSize = 0;
    for await (const request of requests) {
      refuseUnexpected(request);
      aggregatedPayloadSize += request.payload?.body.length ?? 0;
    }
    return { aggregatedPayloadSize };
  },

  async *fullDuplexCall(requests, context) {
    echoMetadata(context);
    for await (const request of requests) yield* responsesTo(request, context);
  },
};

async function* responsesTo(request: StreamingOutputCallRequest, { signal }: HandlerContext) {
  refuse(request);
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs > 0) await sleep(intervalUs / 1000, undefined, { signal });
    yield { payload: { body: zeros(size) } };
  }
}

/** Bytes go back in the base64 that they came in. */
function echoMetadata({ requestHeader, responseHeader, responseTrailer }: HandlerContext): void {
  const initial = requestHeader.get(echoInitialKey);
  if (initial !== null) responseHeader.set(echoInitialKey, initial);
  const trailing = requestHeader.get(echoTrailingKey);
  if (trailing !== null) responseTrailer.set(echoTrailingKey, trailing);
}

function refuse(request: SimpleRequest | StreamingOutputCallRequest): void {
  const refusal = refusalOf(request);
  if (refusal !== undefined) throw new ConnectError(refusal.message, refusal.code as Code);
}

/** A request that is compressed, or not, otherwise than it says. */
function refuseUnexpected(request: SimpleRequest | StreamingInputCallRequest): void {
  const expected = request.expectCompressed?.value;
  if (expected === undefined || expected === wasCompressed(request)) return;
  throw new ConnectError(`the request says wrongly that it is compressed: ${expected}`, Code.InvalidArgument);
}

export async function serve(port: number, { useTls }: ServerOptions): Promise<RunningServer> {
  const handler = connectNodeAdapter({
    routes: (router) => router.service(TestService, testService),
    acceptCompression: [gzip],
    connect: false,
    grpcWeb: false,
  });
  const server = useTls ? createSecureServer(identity(), handler) : createServer(handler);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
