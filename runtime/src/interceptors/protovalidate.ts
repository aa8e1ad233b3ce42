/** `protovalidate`: the rules that stand in the proto. Needs @bufbuild/protovalidate, version 1, beside this package. */
import { create, type Message, type Registry } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator, type Violation } from "@bufbuild/protovalidate";
import type { Interceptor } from "../contract.js";
import { RpcError } from "../error.js";
import { Code } from "../status.js";
import { type Check, validate } from "./validate.js";

export interface ProtovalidateOptions {
  /** The messages to check: `createRegistry(file_greeter)` of @bufbuild/protobuf. */
  readonly registry: Registry;
  /** What checks them. Default: `createValidator({ registry })`. */
  readonly validator?: Validator | undefined;
  /** Checks responses too. Default false. */
  readonly responses?: boolean | undefined;
}

/**
 * Checks messages of `messages=protobuf-es` by the `buf.validate` rules of their fields; see `validate` for what
 * becomes of a bad one.
 *
 * A message that is not in the registry, and rules that do not compile, fail the call with INTERNAL: to let it through
 * would be to say that it is valid.
 */
export function protovalidate(options: ProtovalidateOptions): Interceptor {
  const { registry, validator = createValidator({ registry }), responses } = options;
  const check: Check = (message, { typeName }) => {
    const schema = registry.getMessage(typeName);
    if (schema === undefined) {
      throw new RpcError(Code.INTERNAL, `protovalidate(): ${typeName} is not in the registry: add its file to it`);
    }
    // At a client a request may be what `create` makes a message of; a message is taken as it is.
    const result = validator.validate(schema, create(schema, message as Message));
    if (result.kind === "valid") return undefined;
    if (result.kind === "invalid") return result.violations.map(toViolation);
    throw new RpcError(Code.INTERNAL, `protovalidate(): the rules of ${typeName} cannot be applied`, {
      cause: result.error,
    });
  };
  return validate(check, { responses });
}

function toViolation({ field, message }: Violation): { field: string; description: string } {
  return { field: pathToString(field), description: message };
}
