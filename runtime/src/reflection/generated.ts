/** What is generated of grpc/reflection, in one place. The messages of v1alpha are those of v1 under other names. */
export type {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from "../gen/grpc/reflection/v1/reflection.js";
export type { ServerReflectionClient, ServerReflectionServer } from "../gen/grpc/reflection/v1/reflection_grpc.js";
export {
  registerServerReflectionServer,
  ServerReflectionDesc,
  serverReflectionClient,
  sharedServerReflectionClient,
} from "../gen/grpc/reflection/v1/reflection_grpc.js";
export { registerServerReflectionServer as registerV1AlphaServer } from "../gen/grpc/reflection/v1alpha/reflection_grpc.js";
