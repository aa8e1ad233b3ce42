import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { type CallOptions, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { BenchService } from "../gen/protobuf-es/bench_pb.js";
import type { ClientStack, ServerStack } from "./contender.js";
import { IterableClient } from "./iterable-client.js";
import { deadlineMs, metadata } from "./messages.js";
import { streamingService } from "./streaming-service.js";

export const connectNode: ClientStack & ServerStack = {
  connect(port) {
    const baseUrl = `http://127.0.0.1:${port}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    const client = createClient(BenchService, createGrpcTransport({ baseUrl, sessionManager }));
    const options = (): CallOptions => ({
      signal: new AbortController().signal,
      timeoutMs: deadlineMs,
      headers: metadata,
    });
    return new IterableClient<CallOptions>(client, options, () => sessionManager.abort());
  },

  async serve() {
    const handler = connectNodeAdapter({
      routes: (router) => router.service(BenchService, streamingService),
      grpcWeb: false,
      connect: false,
    });
    const server = createServer(handler);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
};
