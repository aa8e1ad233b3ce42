import type { TransportName } from "@trunkline/runtime";
import { benchServiceClient, registerBenchServiceServer } from "../gen/trunkline-protobuf-es/bench_grpc.js";
import { streamingService } from "./streaming-service.js";
import { trunkline } from "./trunkline.js";

export const stack = (transport: TransportName) =>
  trunkline(transport, {
    client: benchServiceClient,
    register: (server) => registerBenchServiceServer(server, streamingService),
  });
