/**
 * What a user may say in `opt:` of buf.gen.yaml or in `--ts_opt`: one table, from which options are parsed and
 * documentation is made.
 */
import { PluginError } from "./errors.js";
import { parseTsProtoOption, type TsProtoOptions, validateTsProtoOptions } from "./messages/ts-proto/options.js";
import { nearest } from "./nearest.js";

export interface Options {
  readonly messages: "ts-proto";
  readonly emit: "all" | "services";
  readonly importExtension: "js" | "ts" | "none";
  readonly runtimeImport: string;
  readonly requests: "partial" | "full";
  /** Options of ts-proto that the user set; they go before our own defaults. */
  readonly tsProto: TsProtoOptions;
}

/** A row of the table. */
export interface OptionSpec {
  /** `emit`; or `ts_proto.NAME`, which stands for every option whose name begins so. */
  readonly name: string;
  /** The values that there are, or what kind of value it takes. */
  readonly values: readonly string[] | "MODULE" | "VALUE";
  /** What holds where the option is not given; undefined where nothing does. */
  readonly default: string | undefined;
  readonly help: string;
}

/** Every option, in the order in which documentation shows them. */
export const optionTable = [
  {
    name: "messages",
    values: ["ts-proto"],
    default: "ts-proto",
    help: "The library whose types and codecs the services use",
  },
  {
    name: "emit",
    values: ["all", "services"],
    default: "all",
    help: "all: services and the messages that they need; services: nothing but services, where another plugin emits the messages",
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
    help: "partial: callers and servers may leave fields out of the messages that they pass; full: they pass whole messages, which saves a copy per message",
  },
  {
    name: "ts_proto.NAME",
    values: "VALUE",
    default: undefined,
    help: "Passes an option on to ts-proto",
  },
] as const satisfies readonly OptionSpec[];

const prefix = "ts_proto.";

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
  const tsProto = new Map(
    [...given].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
  );
  const options: Options = {
    messages: choice(given, "messages"),
    emit: choice(given, "emit"),
    importExtension: choice(given, "import_extension"),
    runtimeImport: runtimeModule(given),
    requests: choice(given, "requests"),
    tsProto,
  };
  validateTsProtoOptions(tsProto, options.requests);
  return options;
}

function splitOption(part: string): [name: string, value: string] {
  const equals = part.indexOf("=");
  const name = equals < 0 ? part : part.slice(0, equals);
  const value = equals < 0 ? "" : part.slice(equals + 1);
  if (name.startsWith(prefix)) {
    if (equals < 0) throw new PluginError(`option ${name} has no value`, { hint: `write ${name}=VALUE` });
    parseTsProtoOption(name.slice(prefix.length), value);
    return [name, value];
  }
  const spec: OptionSpec | undefined = optionTable.find((one) => one.name === name);
  if (spec === undefined) throw unknownOption(name);
  if (value === "") throw new PluginError(`option ${name} has no value`, { hint: `write ${usage(spec)}` });
  if (typeof spec.values === "object" && !spec.values.includes(value)) {
    throw new PluginError(`option ${name} has no value "${value}"`, { hint: `write ${usage(spec)}` });
  }
  return [name, value];
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

function runtimeModule(given: ReadonlyMap<string, string>): string {
  const name = "runtime_import";
  const value = given.get(name) ?? defaultOf(name);
  // A path would mean another module in every directory, and subpaths (`/ts-proto`) are appended to what is given.
  if (!/^(@[\w.~-]*\/|#)?[\w~][\w.~/-]*(?<!\/)$/.test(value)) {
    throw new PluginError(`option ${name} takes a package, not "${value}"`, {
      hint: `write a package name or an alias, as in ${name}=${defaultOf(name)}`,
    });
  }
  return value;
}

function defaultOf(name: Row["name"]): string {
  return optionTable.find((row) => row.name === name)?.default ?? "";
}
