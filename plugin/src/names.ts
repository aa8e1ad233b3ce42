/** Every name that is derived from a proto, and every name that must not be used for one. */
import { PluginError } from "./errors.js";
import type { FileModel, ServiceModel } from "./model.js";

/** `demo/v1/greeter.proto` → `demo/v1/greeter_grpc.ts`: where the services of a proto file go. */
export function serviceFileName(protoFile: string): string {
  return `${protoFile.replace(/\.proto$/, "")}_grpc.ts`;
}

/** `demo/v1/greeter.proto` → `demo/v1/greeter_mock.ts`: where their mocks go. */
export function mockFileName(protoFile: string): string {
  return `${protoFile.replace(/\.proto$/, "")}_mock.ts`;
}

/** What the file of a service exports for it; the examples are those of `service Greeter`. */
export interface ServiceNames {
  /** `GreeterDesc` */
  readonly desc: string;
  /** `GreeterClient`: an interface. For a service in lower case it is also the name of the function that makes one. */
  readonly client: string;
  /** `greeterClient` */
  readonly createClient: string;
  /** `sharedGreeterClient` */
  readonly sharedClient: string;
  /** `GreeterServer` */
  readonly server: string;
  /** `UnimplementedGreeterServer` */
  readonly unimplementedServer: string;
  /** `greeterHandlers` */
  readonly handlers: string;
  /** `registerGreeterServer` */
  readonly registerServer: string;
  // Only with an option each; but no other name depends on whether they are there.
  /** `greeterDescriptors` */
  readonly descriptors: string;
  /** `greeterOptions` */
  readonly options: string;
}

/** What the file of a service's mock exports for it. */
export interface MockNames {
  /** `MockGreeterClient`: an interface. */
  readonly client: string;
  /** `mockGreeterClient` */
  readonly createClient: string;
}

/** What is once in a file that embeds descriptors. All else that a file declares ends in something else. */
export const descriptorSetName = "descriptorSet";

/**
 * Names for the services of a file, in their order. Where one of them is taken by an earlier service (`X` and `SharedX`
 * both have a `sharedXClient`), all names of the later one end in `$`.
 */
export function fileServiceNames(file: FileModel): ServiceNames[] {
  const taken = new Set<string>();
  return file.services.map((service) => {
    let suffix = "";
    let names = serviceNames(service, suffix);
    while (Object.values(names).some((name: string) => taken.has(name))) {
      suffix += "$";
      names = serviceNames(service, suffix);
    }
    for (const name of Object.values(names)) taken.add(name);
    return names;
  });
}

function serviceNames({ name }: ServiceModel, suffix: string): ServiceNames {
  const lower = lowerFirst(name);
  return {
    desc: `${name}Desc${suffix}`,
    client: `${name}Client${suffix}`,
    createClient: `${lower}Client${suffix}`,
    sharedClient: `shared${name}Client${suffix}`,
    server: `${name}Server${suffix}`,
    unimplementedServer: `Unimplemented${name}Server${suffix}`,
    handlers: `${lower}Handlers${suffix}`,
    registerServer: `register${name}Server${suffix}`,
    descriptors: `${lower}Descriptors${suffix}`,
    options: `${lower}Options${suffix}`,
  };
}

/** The names of a service's mock: services have distinct names, and so have these. */
export function mockNames({ name }: ServiceModel): MockNames {
  return { client: `Mock${name}Client`, createClient: `mock${name}Client` };
}

/** Names for the methods of a service, in their order. Throws a {@link PluginError} where two would be the same. */
export function methodNames(file: FileModel, service: ServiceModel): string[] {
  const rpcByName = new Map<string, string>();
  for (const { name: rpc } of service.methods) {
    const name = methodName(rpc);
    const other = rpcByName.get(name);
    if (other !== undefined) {
      throw new PluginError(`rpc ${other} and rpc ${rpc} would both be called ${name} in TypeScript`, {
        file: file.name,
        symbol: `${service.typeName}.${rpc}`,
        hint: "rename one of them",
      });
    }
    rpcByName.set(name, rpc);
  }
  return [...rpcByName.keys()];
}

/**
 * `SayHello` → `sayHello`, `GetAPIValue` → `getAPIValue`, `get_thing` → `getThing`. Underscores at either end stay, so
 * that something is left of every name. What cannot be a member ends in `$`.
 */
function methodName(rpc: string): string {
  const name = lowerFirst(rpc.replace(/(?<=[^_])_+([^_])/g, (_, next: string) => next.toUpperCase()));
  return reservedMembers.has(name) ? `${name}$` : name;
}

function lowerFirst(name: string): string {
  return name.replace(/^_*[A-Z]/, (start) => start.toLowerCase());
}

/** Names that a method of a client, of a server class or of a table cannot have. */
const reservedMembers: ReadonlySet<string> = new Set([
  // In a class it would be its constructor, and as a method of an interface a construct signature.
  ...["constructor", "new"],
  // JavaScript calls these where nobody meant to: `await client`, `JSON.stringify(client)`.
  ...["then", "toJSON"],
  // In an object literal it would set the prototype.
  "__proto__",
  // Every object has these already, with types of their own, and JavaScript calls some of them to make a string.
  ...["hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf"],
  ...["__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"],
]);

/** Words that an import may be called in its own module, but not in ours. */
export const reservedWords: readonly string[] = [
  // ECMAScript: reserved words, those of strict mode, those of modules, and literals.
  ..."arguments await break case catch class const continue debugger default delete do else enum eval export".split(
    " ",
  ),
  ..."extends false finally for function if implements import in instanceof interface let new null package".split(" "),
  ..."private protected public return static super switch this throw true try typeof undefined var void".split(" "),
  ..."while with yield".split(" "),
  // TypeScript: types without a declaration, and operators on types.
  ..."any asserts bigint boolean infer is keyof never number object readonly string symbol unique unknown".split(" "),
];
