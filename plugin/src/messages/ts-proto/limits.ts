/**
 * What ts-proto 2.18 gets wrong, so that no service is built on it. Each rule was found by encoding with ts-proto and
 * decoding with @bufbuild/protobuf, and back (test/plugin/ts-proto-limits.test.ts).
 *
 * Refused is what would put wrong bytes on the wire, or no valid TypeScript into a file:
 * - DELIMITED fields of editions, which it writes length-prefixed. (Groups of proto2 it does right.)
 * - Required scalars and enums: it leaves them out where they hold their default value, and every other implementation
 *   then rejects the message.
 * - Fields whose default it does not know: it leaves out what it takes for the default, and the peer puts in another.
 *
 * Accepted, because peers read the right values: repeated fields in the other of the two encodings, which every parser
 * must take; closed enums, whose unknown numbers it keeps as numbers; explicit presence of a field that holds its
 * default, which it loses for proto2 and editions alike.
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, FieldDescriptorProto_Type } from "@bufbuild/protobuf/wkt";
import { PluginError } from "../../errors.js";
import { editionName, type ProtoFile, type Request, requireKnownEdition } from "../../read-model.js";
import { createRegistry } from "../../registry.js";
import type { PassedOptions } from "../passed-options.js";

/** Editions that ts-proto knows of; it takes a newer one for proto2. */
const newestEdition = 1001;
const firstEdition = 1000;

/** Throws a {@link PluginError} for the first of `files` that ts-proto would make something wrong of. */
export function checkLimits(files: readonly ProtoFile[], request: Request, options: PassedOptions): void {
  for (const file of files) {
    requireKnownEdition(file);
    if (file.edition > newestEdition) {
      throw refused(`uses edition ${editionName(file.edition)}, which ts-proto does not know`, { file: file.name });
    }
  }
  const registry = createRegistry(files, request);
  for (const file of files) {
    for (const message of registry.getFile(file.name)?.messages ?? []) checkMessage(message, file, options);
  }
}

function checkMessage(message: DescMessage, file: ProtoFile, options: PassedOptions): void {
  for (const field of message.fields) {
    const fault = faultOf(field, file, options);
    if (fault !== undefined) {
      throw refused(fault, { file: file.name, symbol: `${message.typeName}.${field.name}` });
    }
  }
  for (const nested of message.nestedMessages) checkMessage(nested, file, options);
}

function refused(fault: string, at: { readonly file: string; readonly symbol?: string }): PluginError {
  return new PluginError(fault, { ...at, hint: "use messages=protobuf-es for it" });
}

function faultOf(field: DescField, file: ProtoFile, options: PassedOptions): string | undefined {
  const isEdition = file.edition >= firstEdition;
  if (field.fieldKind === "message" || (field.fieldKind === "list" && field.listKind === "message")) {
    const isGroup = field.proto.type === FieldDescriptorProto_Type.GROUP;
    return field.delimitedEncoding && !isGroup
      ? "has the feature message_encoding = DELIMITED, which ts-proto writes length-prefixed"
      : undefined;
  }
  if (field.fieldKind === "list" || field.fieldKind === "map") return undefined;
  // Then nothing has a default, and whatever is set is written.
  if (options.get("noDefaultsForOptionals") === "true") return undefined;
  if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) {
    const what = isEdition ? "has the feature field_presence = LEGACY_REQUIRED" : "is required";
    return `${what}, and ts-proto does not write it where it holds its default`;
  }
  if (field.oneof !== undefined) return undefined;
  const knowsDefaults = !isEdition && options.get("disableProto2DefaultValues") !== "true";
  const fault = field.fieldKind === "enum" ? enumFault(field, knowsDefaults) : scalarFault(field, knowsDefaults);
  return fault === undefined ? undefined : `${fault}, and ts-proto takes it for another, which then is not written`;
}

type ScalarField = DescField & { readonly fieldKind: "scalar" };
type EnumField = DescField & { readonly fieldKind: "enum" };

function scalarFault({ proto }: ScalarField, knowsDefaults: boolean): string | undefined {
  const value = proto.defaultValue;
  const isZero = value === "" || value === "false" || Number(value) === 0;
  if (isZero) return undefined;
  const understood = knowsDefaults && isPrintable(value, proto.type);
  return understood ? undefined : `has the default ${JSON.stringify(value)}`;
}

/** ts-proto prints numbers as they are, and `inf` and `nan` are none of TypeScript. */
function isPrintable(value: string, type: FieldDescriptorProto_Type): boolean {
  switch (type) {
    case FieldDescriptorProto_Type.STRING:
      return true;
    case FieldDescriptorProto_Type.BYTES:
      return false;
    case FieldDescriptorProto_Type.BOOL:
      return value === "true";
    default:
      return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(value);
  }
}

function enumFault({ proto, enum: type }: EnumField, knowsDefaults: boolean): string | undefined {
  const named = type.values.find((value) => value.name === proto.defaultValue);
  const real = named ?? type.values[0];
  const zero = type.values.find((value) => value.number === 0);
  const assumed = (knowsDefaults ? named : undefined) ?? zero ?? type.values[0];
  return real?.number === assumed?.number ? undefined : `has the default ${real?.name}`;
}
