/**
 * Names that ts-proto 2.18 prints and that TypeScript cannot take, so that no file goes out that does not compile. The
 * names are those that ts-proto itself gives, whatever its options are; which of them fail was found by compiling what
 * it makes of random protos (test/plugin/random-output.ts).
 */
import { PluginError } from "../../errors.js";
import { reservedWords } from "../../names.js";
import {
  type FileDescriptor,
  getFieldName,
  isWithinOneOfThatShouldBeUnion,
  maybeSnakeToCamel,
  type SourceInfo,
  SourceInfoClass,
  type TsProtoSettings,
  uncapitalize,
  visit,
} from "./load.js";

/** Throws a {@link PluginError} for the first name of `file` that ts-proto would make no TypeScript of. */
export function requirePrintableNames(file: FileDescriptor, settings: TsProtoSettings): void {
  const refuse = (protoName: string, fault: string, hint = "use messages=protobuf-es for it"): never => {
    const symbol = file.package === "" ? protoName : `${file.package}.${protoName}`;
    throw new PluginError(fault, { file: file.name, symbol, hint });
  };
  // It prints the path in single quotes, as it is.
  if (file.name.includes("'")) {
    throw new PluginError("has a quote in its path, which ts-proto does not escape", {
      file: file.name,
      hint: "use messages=protobuf-es for it",
    });
  }
  const declared = new Map<string, string>();
  /** Makes sure that `name`, made for the declaration `protoName`, is of this declaration alone. */
  const claim = (name: string, protoName: string): void => {
    if (!isName.test(name)) refuse(protoName, `would be called ${name} by ts-proto, which is no name`);
    const other = declared.get(name);
    if (other !== undefined) refuse(protoName, `and ${other} would both declare ${name} in the TypeScript of ts-proto`);
    if (unusable.has(name)) refuse(protoName, `would be called ${name} by ts-proto, which means something else there`);
    declared.set(name, protoName);
  };
  const noSource: SourceInfo = new SourceInfoClass({}, undefined);
  visit(
    file,
    noSource,
    (name, message, _, protoName) => {
      claim(name, protoName);
      claim(`createBase${name}`, protoName);
      const fault = faultOfFields(message, settings);
      if (fault !== undefined) refuse(protoName, fault);
    },
    settings,
    (name, type, _, protoName) => {
      claim(name, protoName);
      for (const suffix of ["FromJSON", "ToJSON"]) claim(uncapitalize(name) + suffix, protoName);
      const fault = faultOfValues(type, settings);
      if (fault !== undefined) refuse(protoName, ...fault);
    },
  );
}

type Message = FileDescriptor["messageType"][number];
type Enum = FileDescriptor["enumType"][number];

/** Of the properties that a message gets: one for each field, but with unions one for each oneof. */
function faultOfFields({ field: fields, oneofDecl }: Message, settings: TsProtoSettings): string | undefined {
  const properties = new Map<string, string>();
  const seenOneofs = new Set<number>();
  for (const field of fields) {
    const own = getFieldName(field, settings);
    if (!/^\w+$/.test(field.name)) return `has a field ${field.name}, which is no name`;
    if (own === "") return `has a field ${field.name}, of which ts-proto makes no name`;
    const isInUnion = isWithinOneOfThatShouldBeUnion(settings, field);
    // As a list of paths, which may be undefined, it is wrapped by what takes it for set.
    if (isInUnion && field.typeName === ".google.protobuf.FieldMask") {
      return `has ${field.name} in a oneof, a FieldMask, for which ts-proto's code does not compile`;
    }
    if (isInUnion && seenOneofs.has(field.oneofIndex)) continue;
    if (isInUnion) seenOneofs.add(field.oneofIndex);
    const protoName = isInUnion ? (oneofDecl[field.oneofIndex]?.name ?? "") : field.name;
    const property = isInUnion ? maybeSnakeToCamel(protoName, settings) : own;
    if (property === "") return `has a oneof ${protoName}, of which ts-proto makes no name`;
    const other = properties.get(property);
    if (other !== undefined) return `has ${other} and ${protoName}, which ts-proto would both call ${property}`;
    if (inherited.has(property)) {
      return `has ${protoName}, which ts-proto would call ${property} and so find in every object, set or not`;
    }
    properties.set(property, protoName);
  }
  return undefined;
}

/** With what to do about it, where that is not to use the other library. */
function faultOfValues(
  { value: values }: Enum,
  settings: TsProtoSettings,
): readonly [fault: string, hint?: string] | undefined {
  for (const { name, number } of values) {
    if (!isName.test(name)) return [`has a value ${name}, which is no name`];
    // What is not known is called so.
    const isTaken = settings.unrecognizedEnum && name === settings.unrecognizedEnumName;
    if (isTaken && number !== settings.unrecognizedEnumValue) return [`has a value ${name}, as ts-proto adds one`];
    if (name === "__proto__") return ["has a value __proto__, which sets the prototype of what ts-proto makes of it"];
    // With literals, each value is also the name of a type.
    if (settings.enumsAsLiterals && words.has(name)) {
      return [
        `has a value ${name}, of which ts-proto makes no type`,
        "use messages=protobuf-es or ts_proto.enumsAsLiterals=false",
      ];
    }
  }
  return undefined;
}

/** All names were checked before, but ts-proto reads descriptors by itself. */
const isName = /^[A-Za-z_]\w*$/;

/** What no type and no constant can be called. Operators on types can. */
const typeOperators: readonly string[] = ["asserts", "infer", "is", "keyof", "readonly", "unique"];
const words: ReadonlySet<string> = new Set(reservedWords.filter((word) => !typeOperators.includes(word)));

/** What ts-proto's code means by these names is something else. */
const unusable: ReadonlySet<string> = new Set([
  ...words,
  // Types and functions that it writes into files.
  ..."protobufPackage protobufFileName Builtin DeepPartial MessageFns ExtensionFns ExtensionHolder".split(" "),
  ..."StructWrapperFns AnyValueWrapperFns ListValueWrapperFns FieldMaskWrapperFns anyJsonValueTypes".split(" "),
  ..."longToNumber numberToLong bytesFromBase64 base64FromBytes floatToJson isObject isSet fail gt".split(" "),
  ..."fromTimestamp toTimestamp fromJsonTimestamp timestampFractionRegex timestampFromJson".split(" "),
  ..."timestampJsonRegex timestampToJson".split(" "),
  // Globals that it does not look for in globalThis.
  ..."BigInt Map Math Partial ReadonlyArray Uint8Array".split(" "),
]);

/** Properties that every object has. Of a message that lacks such a field, ts-proto would read them all the same. */
const inherited: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));
