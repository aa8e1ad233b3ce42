/**
 * Names that ts-proto 2.18 makes no TypeScript of that compiles, or that runs: it prints what a proto says, and its own
 * code stands around it. Found by generating each word in each place (compat/test/name-limits.test.ts).
 */
import { PluginError } from "../../errors.js";
import { reservedWords } from "../../names.js";
import type { PassedOptions } from "../passed-options.js";
import type { FileDescriptor, TsProtoSettings, TypeMap } from "./load.js";
import { propertyName, typeName } from "./names.js";

type Message = FileDescriptor["messageType"][number];
type Enum = FileDescriptor["enumType"][number];
type Field = Message["field"][number];

/** Words that cannot be declared in a module, or that are no type where they stand as one. */
const undeclarable: ReadonlySet<string> = new Set(reservedWords.filter((word) => word !== "asserts" && word !== "is"));

/** Of those, what can be a property, but no type in a namespace: where the values of enums are declared. */
const noValueType: ReadonlySet<string> = new Set(
  [...undeclarable, "as"].filter(
    (word) => !["arguments", "await", "eval", "infer", "keyof", "readonly", "unique"].includes(word),
  ),
);

/** What the code of a module declares, or refers to as a global. Some of it only where it is needed. */
const used: ReadonlySet<string> = new Set([
  ..."MessageFns DeepPartial Builtin protobufPackage protobufFileName base64FromBytes bytesFromBase64".split(" "),
  ..."floatToJson fromJsonTimestamp fromTimestamp isObject isSet longToNumber numberToLong toTimestamp".split(" "),
  ..."globalThis BigInt Math Partial ReadonlyArray Uint8Array".split(" "),
]);

/** Variables of the functions of a message in which it refers to messages of its fields, by what those fields are. */
const shadowing: { readonly [Shape in "message" | "list" | "map"]: ReadonlySet<string> } = {
  message: new Set("end input length message obj object previousRecursionDepth reader tag writer".split(" ")),
  list: new Set(["e", "v"]),
  map: new Set("acc entries k key v value".split(" ")),
};

/** Properties that every object has: of a message that lacks such a field, ts-proto reads them all the same. */
const inherited: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** FieldDescriptorProto.LABEL_REPEATED */
const repeated = 3;

/** Throws a {@link PluginError} for the first name in `files` that would make a module that does not compile. */
export function checkNames(
  files: readonly FileDescriptor[],
  types: TypeMap,
  settings: TsProtoSettings,
  options: PassedOptions,
): void {
  for (const file of files) new FileNames(file, types, settings, options).check();
}

class FileNames {
  readonly #file: FileDescriptor;
  readonly #types: TypeMap;
  readonly #settings: TsProtoSettings;
  readonly #options: PassedOptions;
  /** What the module declares, to what declares it. */
  readonly #declared = new Map<string, string>();

  constructor(file: FileDescriptor, types: TypeMap, settings: TsProtoSettings, options: PassedOptions) {
    this.#file = file;
    this.#types = types;
    this.#settings = settings;
    this.#options = options;
  }

  check(): void {
    // It prints the path in single quotes, as it is.
    if (this.#file.name.includes("'"))
      throw this.#refused("has a quote in its path, which ts-proto does not escape", []);
    for (const one of this.#file.enumType) this.#enum(one, [one.name]);
    for (const message of this.#file.messageType) this.#message(message, [message.name]);
  }

  #message(message: Message, path: readonly string[]): void {
    const name = typeName("message", path, this.#options);
    // A message makes itself of what it calls `base`, whatever its fields are.
    this.#type(name, path, name === "base");
    this.#declare(`createBase${name}`, path);
    this.#properties(message, path);
    for (const field of message.field) this.#reference(field, path);
    for (const one of message.enumType) this.#enum(one, [...path, one.name]);
    for (const nested of message.nestedType) this.#message(nested, [...path, nested.name]);
  }

  #enum({ name: last, value: values }: Enum, path: readonly string[]): void {
    const name = typeName("enum", path, this.#options);
    this.#type(name, path, name === "as");
    const lower = name.slice(0, 1).toLowerCase() + name.slice(1);
    for (const suffix of ["FromJSON", "ToJSON", "ToNumber"]) this.#declare(lower + suffix, path);
    const { unrecognizedEnum, unrecognizedEnumName, unrecognizedEnumValue, enumsAsLiterals } = this.#settings;
    const hasUnrecognized = unrecognizedEnum && !values.some(({ number }) => number === unrecognizedEnumValue);
    for (const { name: value } of values) {
      const symbol = [...path, value];
      if (value === "__proto__") {
        throw this.#refused("would set the prototype of the object that ts-proto makes of the enum", symbol);
      }
      if (hasUnrecognized && value === unrecognizedEnumName) {
        throw this.#refused(`is what ts-proto calls numbers that ${last} does not have`, symbol, [
          `ts_proto.unrecognizedEnumName=OTHER`,
        ]);
      }
      if (enumsAsLiterals ? noValueType.has(value) : /^(Infinity|NaN)$/.test(value)) {
        const other = enumsAsLiterals ? "false" : "true";
        throw this.#refused(`would be a type ${value} of ts-proto's, which TypeScript does not allow`, symbol, [
          `ts_proto.enumsAsLiterals=${other}`,
        ]);
      }
    }
  }

  #type(name: string, path: readonly string[], impossible: boolean): void {
    if (impossible || undeclarable.has(name) || used.has(name) || !/^[A-Za-z_$]/.test(name)) {
      throw this.#refused(`would be called ${JSON.stringify(name)} by ts-proto, whose code that breaks`, path);
    }
    this.#declare(name, path);
  }

  #declare(name: string, path: readonly string[]): void {
    const symbol = this.#symbol(path);
    const other = this.#declared.get(name);
    if (other !== undefined) {
      throw this.#refused(`would be called ${name} by ts-proto, and so would ${other}`, path);
    }
    this.#declared.set(name, symbol);
  }

  /** A oneof is a property, and its members are none, unless `oneof=properties`. */
  #properties({ field: fields, oneofDecl: oneofs }: Message, path: readonly string[]): void {
    const { oneof, useJsonName } = this.#settings;
    // ts-proto's own way to find out: where a field has no index, its prototype says 0.
    const isMember = (field: Field) =>
      oneof !== "properties" && Object.hasOwn(field, "oneofIndex") && !field.proto3Optional;
    const unions = oneofs.filter((_, i) => fields.some((field) => isMember(field) && field.oneofIndex === i));
    const properties = [
      ...fields
        .filter((field) => !isMember(field))
        .map(({ name, jsonName }) => [name, useJsonName ? jsonName : propertyName(name, this.#options)] as const),
      ...unions.map(({ name }) => [name, propertyName(name, this.#options)] as const),
    ];
    const nameByProperty = new Map<string, string>();
    for (const [name, property] of properties) {
      const other = nameByProperty.get(property);
      if (other !== undefined) {
        throw this.#refused(`would be called ${JSON.stringify(property)} by ts-proto, and so would ${other}`, [
          ...path,
          name,
        ]);
      }
      if (inherited.has(property)) {
        const fault = `would be called ${property} by ts-proto, which finds that in every object, set or not`;
        throw this.#refused(fault, [...path, name]);
      }
      if (property === "") throw this.#refused("would have no name by ts-proto", [...path, name]);
      nameByProperty.set(property, name);
    }
    for (const field of fields) {
      // As a list of paths, which may be undefined, it is wrapped by what takes it for set.
      if (isMember(field) && field.typeName === ".google.protobuf.FieldMask") {
        throw this.#refused("is a FieldMask in a oneof, for which ts-proto's code does not compile", [
          ...path,
          field.name,
        ]);
      }
    }
    // Where there is a union, its property is not in quotes.
    for (const { name } of unions) {
      if (/^([A-Za-z_]\w*|0|[1-9]\d*)$/.test(propertyName(name, this.#options))) continue;
      throw this.#refused("would be called what is no name by ts-proto", [...path, name]);
    }
  }

  /** Whether the name of a field's type means that type where the field is read and written. */
  #reference({ name, label, typeName: type }: Field, path: readonly string[]): void {
    const [, called, message] = this.#types.get(type) ?? [];
    if (called === undefined || message === undefined || !("field" in message)) return;
    // The message of an entry has a field of the same type, which is looked at there.
    const [, inMap = "", value] =
      this.#types.get((message.options?.mapEntry && message.field[1]?.typeName) || "") ?? [];
    const variable = [
      shadowing.message.has(called) ? called : "",
      label === repeated && shadowing.list.has(called) ? called : "",
      value !== undefined && "field" in value && shadowing.map.has(inMap) ? inMap : "",
    ].find((one) => one !== "");
    if (variable === undefined) return;
    throw this.#refused(`has a type that ts-proto calls ${variable}, as it does a variable there`, [...path, name]);
  }

  #symbol(path: readonly string[]): string {
    return (this.#file.package === "" ? path : [this.#file.package, ...path]).join(".");
  }

  #refused(fault: string, path: readonly string[], ways: readonly string[] = []): PluginError {
    return new PluginError(fault, {
      file: this.#file.name,
      ...(path.length > 0 && { symbol: this.#symbol(path) }),
      hint: ["rename it", ...ways.map((way) => `use ${way}`), "or use messages=protobuf-es"].join(", "),
    });
  }
}
