import type { TransportName } from "@trunkline/runtime";
import { benchServiceClient, registerBenchServiceServer } from "../gen/trunkline-protobuf-es/bench_grpc.js";
import type { Security } from "./security.js";
import { streamingService } from "./streaming-service.js";
import { trunkline } from "./trunkline.js";

export const stack = (transport: TransportName, security: Security) =>
  trunkline(transport, security, {
    client: benchServiceClient,
    register: (server) => registerBenchServiceServer(server, streamingService),
  });
