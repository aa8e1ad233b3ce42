/**
 * Custom options of methods and services, typed, out of tables that the plugin made with `options=embed`:
 * `@trunkline/runtime/options`.
 */
import { type DescMessage, fromBinary, getExtension, hasExtension, type MessageShape } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import {
  type MethodOptions,
  MethodOptionsSchema,
  type ServiceOptions,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import type { MethodDesc, ServiceDesc } from "./contract.js";
import { RpcError } from "./error.js";
import { Code } from "./status.js";

/**
 * The value of a custom option of a method; undefined where its proto does not set it. The extension is what
 * @bufbuild/protoc-gen-es makes of the proto that declares it, whatever library the messages of the service are of.
 *
 * ```ts
 * const role = methodOption(call.method, required_role);
 * ```
 *
 * @throws RpcError FAILED_PRECONDITION where the table has no options: a rule must not be lost by how code was generated
 */
export function methodOption<Value>(
  method: MethodDesc,
  extension: GenExtension<MethodOptions, Value>,
): Value | undefined {
  const options = optionsOf(method, method.path, MethodOptionsSchema);
  return hasExtension(options, extension) ? (getExtension(options, extension) as Value) : undefined;
}

/**
 * The same of a service, by its table.
 *
 * @throws RpcError FAILED_PRECONDITION where the table has no options
 */
export function serviceOption<Value>(
  service: ServiceDesc,
  extension: GenExtension<ServiceOptions, Value>,
): Value | undefined {
  const options = optionsOf(service, service.serviceName, ServiceOptionsSchema);
  return hasExtension(options, extension) ? (getExtension(options, extension) as Value) : undefined;
}

/** By the string that they were decoded from. A program has as many as its tables have. */
const decoded = new Map<string, unknown>();

function optionsOf<Schema extends DescMessage>(
  { options }: Pick<ServiceDesc, "options">,
  name: string,
  schema: Schema,
): MessageShape<Schema> {
  if (options === undefined) {
    throw new RpcError(Code.FAILED_PRECONDITION, `${name}: its table has no options: generate it with options=embed`);
  }
  const key = `${schema.typeName} ${options}`;
  let message = decoded.get(key) as MessageShape<Schema> | undefined;
  if (message === undefined) {
    message = fromBinary(schema, Buffer.from(options, "base64"));
    decoded.set(key, message);
  }
  return message;
}
