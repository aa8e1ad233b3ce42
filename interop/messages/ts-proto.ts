import {
  registerTestServiceServer,
  testServiceClient,
  UnimplementedTestServiceServer,
  unimplementedServiceClient,
} from "../gen/ts-proto/grpc/testing/test_grpc.js";
import type { MessageLibrary } from "./message-library.js";

export const tsProto: MessageLibrary = {
  clients: (channel) => ({ test: testServiceClient(channel), unimplemented: unimplementedServiceClient(channel) }),
  register: (server, service) =>
    registerTestServiceServer(server, Object.assign(new UnimplementedTestServiceServer(), service)),
};
