import { type CallOptions, createChannel, createClientFactory, createServer, Metadata } from "nice-grpc";
import type { ClientMiddleware, ServerMiddleware } from "nice-grpc-common";
import { type BenchServiceClient, BenchServiceDefinition } from "../gen/ts-proto-nice-grpc/bench.js";
import type { ClientStack, ServerStack } from "./contender.js";
import { IterableClient } from "./iterable-client.js";
import { deadlineMs, metadata } from "./messages.js";
import { streamingService } from "./streaming-service.js";

/** The form of its documentation: it passes every message on, in streams too. */
const clientMiddleware: ClientMiddleware = async function* (call, options) {
  return yield* call.next(call.request, options);
};

const serverMiddleware: ServerMiddleware = async function* (call, context) {
  return yield* call.next(call.request, context);
};

export const niceGrpc: ClientStack & ServerStack = {
  connect(port, { interceptors }) {
    const channel = createChannel(`127.0.0.1:${port}`, undefined, { "grpc.use_local_subchannel_pool": 1 });
    let factory = createClientFactory();
    for (let i = 0; i < interceptors; i++) factory = factory.use(clientMiddleware);
    const client: BenchServiceClient = factory.create(BenchServiceDefinition, channel);
    // nice-grpc itself has no deadlines: a user gets the same effect from a timer that aborts.
    const options = (): CallOptions => ({ signal: AbortSignal.timeout(deadlineMs), metadata: Metadata(metadata) });
    return new IterableClient<CallOptions>(client, options, () => channel.close());
  },

  async serve({ interceptors }) {
    let server = createServer();
    for (let i = 0; i < interceptors; i++) server = server.use(serverMiddleware) as typeof server;
    server.add(BenchServiceDefinition, streamingService);
    return server.listen("127.0.0.1:0");
  },
};
