/** What is generated of grpc/health/v1/health.proto, in one place: its service and its messages are files of their own. */
export type {
  HealthCheckRequest,
  HealthListRequest,
  HealthListResponse,
} from "../gen/grpc/health/v1/health.js";
export { HealthCheckResponse, HealthCheckResponse_ServingStatus } from "../gen/grpc/health/v1/health.js";
export type { HealthClient, HealthServer } from "../gen/grpc/health/v1/health_grpc.js";
export {
  HealthDesc,
  healthClient,
  registerHealthServer,
  sharedHealthClient,
} from "../gen/grpc/health/v1/health_grpc.js";
