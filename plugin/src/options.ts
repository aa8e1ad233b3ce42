/**
 * What a user may say in `opt:` of buf.gen.yaml or in `--ts_opt`: one table, from which options are parsed and
 * documentation is made.
 */
import { PluginError } from "./errors.js";
import type { Mapping } from "./messages/modules.js";
import {
  checkPassedOption,
  type PassedOptions,
  type PassedOptionsSpec,
  refusePassedOptions,
} from "./messages/passed-options.js";
import { protobufEsSpec } from "./messages/protobuf-es/options.js";
import { tsProtoSpec } from "./messages/ts-proto/options.js";
import { nearest } from "./nearest.js";
import { parsePatterns, type ServicePatterns } from "./service-patterns.js";

export interface Options {
  readonly messages: "ts-proto" | "protobuf-es";
  readonly emit: "all" | "services";
  readonly importExtension: "js" | "ts" | "none";
  readonly runtimeImport: string;
  readonly requests: "partial" | "full";
  /** Which services there is output for. */
  readonly services: ServicePatterns;
  readonly client: Switch;
  readonly server: Switch;
  readonly handlers: Switch;
  readonly mock: Switch;
  readonly index: "package" | "none";
  readonly descriptors: "none" | "embed";
  readonly options: "none" | "embed";
  /** The path of a gRPC service config, as the user wrote it. */
  readonly serviceConfig: string | undefined;
  /** What `M` says: where messages are that somebody else has generated. */
  readonly mapping: Mapping;
  /** Options of ts-proto that the user set; they go before our own defaults. */
  readonly tsProto: PassedOptions;
  /** The same for protoc-gen-es. */
  readonly protobufEs: PassedOptions;
}

export type Switch = "on" | "off";

/** A row of the table. */
export interface OptionSpec {
  /** `emit`; or `ts_proto.NAME` and `MPROTO`, which stand for every option whose name begins so. */
  readonly name: string;
  /** The values that there are, or what kind of value it takes. */
  readonly values: readonly string[] | "FILE" | "MODULE" | "PATTERN" | "VALUE";
  /** What holds where the option is not given; undefined where nothing does. */
  readonly default: string | undefined;
  readonly help: string;
}

/** Every option, in the order in which documentation shows them. */
export const optionTable = [
  {
    name: "messages",
    values: ["ts-proto", "protobuf-es"],
    default: "ts-proto",
    help: "The library whose types and codecs the services use",
  },
  {
    name: "emit",
    values: ["all", "services"],
    default: "all",
    help: "`all`: services and the messages that they need; `services`: nothing but services, where another plugin emits the messages",
  },
  {
    name: "import_extension",
    values: ["js", "ts", "none"],
    default: "js",
    help: "The extension that relative imports end in",
  },
  {
    name: "runtime_import",
    values: "MODULE",
    default: "@trunkline/runtime",
    help: "The package that the services import the runtime from",
  },
  {
    name: "requests",
    values: ["partial", "full"],
    default: "partial",
    help: "`partial`: callers and servers may leave fields out of the messages that they pass; `full`: they pass whole messages, which saves a copy per message",
  },
  {
    name: "services",
    values: "PATTERN",
    default: "*",
    help: "The services to emit, by their full names: `demo.v1.Greeter`, or `demo.*`, where `*` stands for anything. Several with `+` between them",
  },
  {
    name: "client",
    values: ["on", "off"],
    default: "on",
    help: "`off`: no clients, for programs that only serve",
  },
  {
    name: "server",
    values: ["on", "off"],
    default: "on",
    help: "`off`: nothing to implement and no handlers, for programs that only call",
  },
  {
    name: "handlers",
    values: ["on", "off"],
    default: "on",
    help: "`off`: no `…Handlers`, which only programs use that dispatch calls themselves",
  },
  {
    name: "mock",
    values: ["on", "off"],
    default: "off",
    help: "`on`: a file `…_mock.ts` beside each file of services, with a mock of each client for tests: see [Mocks](mocks.md)",
  },
  {
    name: "index",
    values: ["package", "none"],
    default: "none",
    help: "`package`: an `index.ts` beside the protos of a package, which exports all that is generated from them",
  },
  {
    name: "descriptors",
    values: ["none", "embed"],
    default: "none",
    help: "`embed`: tables carry the descriptors of their files and of all that these import, which servers show to tools: see [Reflection](reflection.md)",
  },
  {
    name: "options",
    values: ["none", "embed"],
    default: "none",
    help: "`embed`: tables carry the options of their services and methods, custom ones too: see [Options of methods](method-options.md)",
  },
  {
    name: "service_config",
    values: "FILE",
    default: undefined,
    help: "A gRPC service config in JSON, whose timeouts and retry policies go into the tables of services: see [Retries](retries.md#from-a-service-config). A relative path starts where buf or protoc is run",
  },
  {
    name: "MPROTO",
    values: "MODULE",
    default: undefined,
    help: "Imports the messages of a proto from a module that has them, instead of emitting them: `Ma/b.proto=@scope/b`. Of all protos below a directory: `Ma/=@scope/protos/`, where `a/b.proto` is then `@scope/protos/b.js` (ts-proto) or `@scope/protos/b_pb.js` (protobuf-es). The longest match wins",
  },
  {
    name: "ts_proto.NAME",
    values: "VALUE",
    default: undefined,
    help: "Passes an option on to ts-proto, with `messages=ts-proto`",
  },
  {
    name: "protobuf_es.NAME",
    values: "VALUE",
    default: undefined,
    help: "Passes an option on to protoc-gen-es, with `messages=protobuf-es`",
  },
] as const satisfies readonly OptionSpec[];

const passedOn: { readonly [Name in Options["messages"]]: PassedOptionsSpec } = {
  "ts-proto": tsProtoSpec,
  "protobuf-es": protobufEsSpec,
};

/** Parses the parameter of a request: `name=value`, separated by commas. Throws a {@link PluginError}. */
export function parseOptions(parameter: string): Options {
  const given = new Map<string, string>();
  for (const part of parameter.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const [name, value] = splitOption(part);
    if (given.has(name)) {
      throw new PluginError(`option ${name} is given twice`, { hint: "give it once" });
    }
    given.set(name, value);
  }
  const messages = choice(given, "messages");
  const requests = choice(given, "requests");
  return {
    messages,
    emit: choice(given, "emit"),
    importExtension: choice(given, "import_extension"),
    runtimeImport: given.get("runtime_import") ?? defaultOf("runtime_import"),
    requests,
    services: parsePatterns(given.get("services") ?? defaultOf("services")),
    ...parts(given),
    index: choice(given, "index"),
    descriptors: choice(given, "descriptors"),
    options: choice(given, "options"),
    serviceConfig: given.get("service_config"),
    mapping: new Map([...given].filter(([name]) => isMapping(name)).map(([name, value]) => [name.slice(1), value])),
    tsProto: passed(given, "ts-proto", messages, requests),
    protobufEs: passed(given, "protobuf-es", messages, requests),
  };
}

/** What is emitted of a service. Throws a {@link PluginError} for a part that needs another one. */
function parts(given: ReadonlyMap<string, string>): Pick<Options, "client" | "server" | "handlers" | "mock"> {
  const client = choice(given, "client");
  const server = choice(given, "server");
  const mock = choice(given, "mock");
  // On by default, handlers go with the server; whoever asks for them is told.
  if (server === "off" && given.get("handlers") === "on") {
    throw new PluginError("option handlers=on does not go with server=off", {
      hint: "remove one of them: handlers call what a server implements",
    });
  }
  if (client === "off" && mock === "on") {
    throw new PluginError("option mock=on does not go with client=off", {
      hint: "remove one of them: a mock stands in for a client",
    });
  }
  return { client, server, handlers: server === "off" ? "off" : choice(given, "handlers"), mock };
}

/** What is to be passed on to the generator of `library`. */
function passed(
  given: ReadonlyMap<string, string>,
  library: Options["messages"],
  messages: Options["messages"],
  requests: Options["requests"],
): PassedOptions {
  const spec = passedOn[library];
  const options = new Map<string, string>();
  for (const [name, value] of given) {
    if (!name.startsWith(spec.prefix)) continue;
    if (library !== messages) {
      throw new PluginError(`option ${name} does not go with messages=${messages}`, {
        hint: `remove it, or write messages=${library}`,
      });
    }
    options.set(name.slice(spec.prefix.length), value);
  }
  refusePassedOptions(spec, options, requests);
  return options;
}

function splitOption(part: string): [name: string, value: string] {
  const equals = part.indexOf("=");
  const name = equals < 0 ? part : part.slice(0, equals);
  const value = equals < 0 ? "" : part.slice(equals + 1);
  const passedTo = Object.values(passedOn).find(({ prefix }) => name.startsWith(prefix));
  if (passedTo !== undefined) {
    if (equals < 0) throw new PluginError(`option ${name} has no value`, { hint: `write ${name}=VALUE` });
    checkPassedOption(passedTo, name.slice(passedTo.prefix.length), value);
    return [name, value];
  }
  if (isMapping(name)) {
    checkMapping(name, value);
    return [name, value];
  }
  const spec: OptionSpec | undefined = optionTable.find((one) => one.name === name);
  if (spec === undefined) throw unknownOption(name);
  if (value === "") throw new PluginError(`option ${name} has no value`, { hint: `write ${usage(spec)}` });
  if (typeof spec.values === "object" && !spec.values.includes(value)) {
    throw new PluginError(`option ${name} has no value "${value}"`, { hint: `write ${usage(spec)}` });
  }
  if (spec.values === "MODULE" && !isModule(value)) {
    throw new PluginError(`option ${name} takes a package, not "${value}"`, {
      hint: `write a package name or an alias, as in ${name}=${spec.default}`,
    });
  }
  return [name, value];
}

/** `Ma/b.proto`, `Ma/`: what else begins with an M is no mapping. */
function isMapping(name: string): boolean {
  return /^M.*(\.proto|\/)$/.test(name);
}

function checkMapping(name: string, value: string): void {
  const isPrefix = name.endsWith("/");
  const module = isPrefix && value.endsWith("/") ? value.slice(0, -1) : value;
  if (isModule(module) && isPrefix === value.endsWith("/")) return;
  const example = isPrefix ? "@scope/protos/" : "@scope/protos/b.js";
  throw new PluginError(
    `option ${name} takes a ${isPrefix ? "prefix of modules" : "module of a package"}, not "${value}"`,
    {
      hint: `write it as in ${name}=${example}`,
    },
  );
}

/**
 * A package, a file of one, or an alias. A path would mean another module in every directory, and for the runtime
 * subpaths (`/ts-proto`) are appended to what is given.
 */
function isModule(value: string): boolean {
  return /^(@[\w.~-]*\/|#)?[\w~][\w.~/-]*(?<!\/)$/.test(value);
}

/** `emit=all|services` */
export function usage(spec: OptionSpec): string {
  return `${spec.name}=${typeof spec.values === "string" ? spec.values : spec.values.join("|")}`;
}

function unknownOption(name: string): PluginError {
  const names = optionTable.map((spec) => spec.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? `there are ${names.join(", ")}` : `did you mean ${meant}?`;
  return new PluginError(`there is no option ${name}`, { hint });
}

type Row = (typeof optionTable)[number];
type ChoiceName = Extract<Row, { values: readonly string[] }>["name"];
type Choice<N extends ChoiceName> = Extract<Row, { name: N }>["values"][number];

function choice<N extends ChoiceName>(given: ReadonlyMap<string, string>, name: N): Choice<N> {
  // What was given is one of the row's values: `splitOption` has seen to that.
  return (given.get(name) ?? defaultOf(name)) as Choice<N>;
}

function defaultOf(name: Row["name"]): string {
  return optionTable.find((row) => row.name === name)?.default ?? "";
}
