/** The health service of gRPC, `grpc.health.v1.Health`: `@trunkline/runtime/health`. */
import type { ServiceOptions } from "./contract.js";
import { registerHealthServer } from "./health/generated.js";
import { Health } from "./health/health.js";
import { HealthService } from "./health/health-service.js";
import type { Server } from "./server/server.js";

export type {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthClient,
  HealthListRequest,
  HealthListResponse,
} from "./health/generated.js";
export {
  /** How a service may be, as the numbers on the wire. */
  HealthCheckResponse_ServingStatus as HealthStatus,
  HealthDesc,
  healthClient,
  sharedHealthClient,
} from "./health/generated.js";
export type { Health, ServingStatus } from "./health/health.js";

/**
 * Has `server` answer health checks: of every service that is registered at it, before or after this, and of the server
 * as a whole. All are SERVING until the returned {@link Health} is told otherwise; when the server begins to shut down,
 * all turn NOT_SERVING.
 *
 * ```ts
 * const health = registerHealth(server);
 * health.set("greeter.Greeter", "NOT_SERVING");
 * ```
 *
 * @param options what holds for the calls of the health service itself. Those without a deadline are taken unless this
 *   says otherwise, whatever the server does with calls of other services: to watch has no end.
 * @throws RpcError ALREADY_EXISTS where the server has a health service, FAILED_PRECONDITION after `listen()`
 */
export function registerHealth(server: Server, options: ServiceOptions = {}): Health {
  const health = new Health(server);
  registerHealthServer(server, new HealthService(health), { requireDeadline: false, ...options });
  return health;
}
