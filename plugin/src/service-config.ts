/**
 * What a gRPC service config says of methods, for the entries of their tables. Loaded only where the option is given.
 *
 * The form of the file: https://github.com/grpc/grpc-proto/blob/master/grpc/service_config/service_config.proto. What in
 * it belongs to a channel (load balancing, throttling, health checks) is left to the channel.
 */
import { PluginError } from "./errors.js";
import type { FileModel, MethodDefaults, MethodModel, ServiceModel } from "./model.js";
import { nearest } from "./nearest.js";
import { parseJson } from "./service-config/json-value.js";
import { type MethodConfig, type MethodName, readMethodConfig } from "./service-config/method-config.js";

/** Reads a file whole. A relative path starts at the working directory. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** The models with what the file at `path` says of their methods. Throws a {@link PluginError} for its faults. */
export async function withServiceConfig(
  models: readonly FileModel[],
  path: string,
  readFile: ReadFile,
): Promise<readonly FileModel[]> {
  const config = parseServiceConfig(await readConfig(path, readFile), `service_config: ${path}`);
  config.requireMethods(models.flatMap(({ services }) => services));
  return models.map((file) => ({
    ...file,
    services: file.services.map((service) => ({
      ...service,
      methods: service.methods.map((method) => ({ ...method, defaults: config.defaultsOf(service, method) })),
    })),
  }));
}

async function readConfig(path: string, readFile: ReadFile): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PluginError(`service_config: ${path}: cannot be read (${reason})`, {
      hint: "write the path of a file, absolute or from the directory in which buf or protoc is run",
    });
  }
}

/** The entries of a file, by the names of what they are for. */
class ServiceConfig {
  readonly #byName = new Map<string, NamedConfig>();

  constructor(entries: readonly MethodConfig[]) {
    for (const config of entries) {
      for (const name of config.names) {
        const key = keyOf(name);
        const other = this.#byName.get(key);
        if (other !== undefined) {
          throw name.place.fault(`is for ${inWords(name)}, and so is ${other.name.place.path}`, "remove one of them");
        }
        this.#byName.set(key, { name, config });
      }
    }
  }

  /** Throws for a method that a service to generate does not have: its name would be misspelt, or an old one. */
  requireMethods(services: readonly ServiceModel[]): void {
    const known = new Map(services.map(({ typeName, methods }) => [typeName, methods.map(({ name }) => name)]));
    for (const { name } of this.#byName.values()) {
      const methods = known.get(name.service);
      if (methods === undefined || name.method === "" || methods.includes(name.method) || isMixin(name)) continue;
      const meant = nearest(name.method, methods);
      throw name.place.fault(
        `${name.service} has no method ${name.method}`,
        meant === undefined ? "remove it, or write a method that it has" : `did you mean ${meant}?`,
      );
    }
  }

  /** The entry for the method counts, else that for its service, else that for everything; they are never mixed. */
  defaultsOf({ typeName: service }: ServiceModel, { name: method }: MethodModel): MethodDefaults {
    const found =
      this.#byName.get(keyOf({ service, method })) ??
      this.#byName.get(keyOf({ service, method: "" })) ??
      this.#byName.get(keyOf({ service: "", method: "" }));
    if (found === undefined) return {};
    const { defaults, lost } = found.config;
    if (lost === undefined) return defaults;
    throw lost.place.fault(
      `applies to ${service}/${method}, whose table has no place for it`,
      `remove it, and ${lost.instead}`,
    );
  }
}

interface NamedConfig {
  readonly name: MethodName;
  readonly config: MethodConfig;
}

/** Parses a file; `name` is what errors call it. */
function parseServiceConfig(bytes: Uint8Array, name: string): ServiceConfig {
  const { methodConfig } = parseJson(bytes, name).fields([
    "methodConfig",
    // What is a channel's.
    "loadBalancingPolicy",
    "loadBalancingConfig",
    "retryThrottling",
    "healthCheckConfig",
    "connectionScaling",
  ]);
  return new ServiceConfig((methodConfig?.items('[{ "name": …, "timeout": … }]') ?? []).map(readMethodConfig));
}

function keyOf({ service, method }: Pick<MethodName, "service" | "method">): string {
  return `${service}/${method}`;
}

function inWords({ service, method }: MethodName): string {
  if (service === "") return "all methods";
  return method === "" ? `all methods of ${service}` : `${service}/${method}`;
}

/**
 * Google's files name methods that a service takes over from google.iam.v1.IAMPolicy, google.longrunning.Operations or
 * google.cloud.location.Locations, as if they were the service's own. Its proto does not have them.
 */
function isMixin({ service, method }: MethodName): boolean {
  return service.startsWith("google.") && mixins.has(method);
}

const mixins: ReadonlySet<string> = new Set([
  ...["GetIamPolicy", "SetIamPolicy", "TestIamPermissions"],
  ...["GetOperation", "ListOperations", "CancelOperation", "DeleteOperation", "WaitOperation"],
  ...["GetLocation", "ListLocations"],
]);
