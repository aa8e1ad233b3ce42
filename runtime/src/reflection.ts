/** Server reflection of gRPC, `grpc.reflection.v1` and `v1alpha`: `@trunkline/runtime/reflection`. */
import type { ServiceDesc, ServiceOptions } from "./contract.js";
import { describe, misuse, RpcError } from "./error.js";
import { registerServerReflectionServer, registerV1AlphaServer } from "./reflection/generated.js";
import { ReflectionService } from "./reflection/reflection-service.js";
import type { Server } from "./server/server.js";
import { Code } from "./status.js";

export type {
  ServerReflectionClient,
  ServerReflectionRequest,
  ServerReflectionResponse,
} from "./reflection/generated.js";
export {
  ServerReflectionDesc,
  serverReflectionClient,
  sharedServerReflectionClient,
} from "./reflection/generated.js";

/** What holds for the calls of the reflection services themselves, and what they show. */
export interface ReflectionOptions extends ServiceOptions {
  /**
   * The services to show; they need not be registered here, such as those that a proxy passes on. The files that they are
   * in are shown whole. Default: all that are registered, this one among them.
   */
  readonly services?: readonly ServiceDesc[] | undefined;
}

/**
 * Has `server` describe its services to tools that do not have the protos (`buf curl`, grpcurl): those that are registered
 * before or after this. It tells what the plugin put into their tables with `descriptors=embed`. Of a service without that
 * it tells the name only, with NOT_FOUND for the rest, and the process gets a warning when the first question comes.
 *
 * ```ts
 * registerReflection(server);
 * ```
 *
 * Calls without a deadline are taken unless the options say otherwise, whatever the server does with calls of other
 * services: tools have none.
 *
 * @throws RpcError FAILED_PRECONDITION for one of `services` that has no descriptors, and after `listen()`, ALREADY_EXISTS
 *   where the server has reflection, INVALID_ARGUMENT for an option that cannot be used; it names the option
 */
export function registerReflection(server: Server, options: ReflectionOptions = {}): void {
  const { services, ...ofCalls } = options;
  if (services !== undefined) checkServices(services);
  const service = new ReflectionService(() => services ?? server.services);
  const serviceOptions = { requireDeadline: false, ...ofCalls };
  registerServerReflectionServer(server, service, serviceOptions);
  registerV1AlphaServer(server, service, serviceOptions);
}

function checkServices(services: readonly ServiceDesc[]): void {
  if (!Array.isArray(services)) {
    throw misuse(`registerReflection(): services: must be a list of tables, not ${describe(services)}`);
  }
  for (const service of services) {
    const { serviceName, descriptorSet } = Object(service) as Partial<ServiceDesc>;
    if (typeof serviceName !== "string") {
      throw misuse("registerReflection(): services: must be a list of tables, such as [GreeterDesc]");
    }
    if (descriptorSet === undefined) {
      const details = `registerReflection(): services: ${serviceName} has no descriptors: generate it with descriptors=embed`;
      throw new RpcError(Code.FAILED_PRECONDITION, details);
    }
  }
}
