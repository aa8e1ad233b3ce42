/**
 * Whether the fields of a message are of the wire types that its schema says. @bufbuild/protobuf takes a field for what
 * its number says and reads on from there, where other parsers step over one of another type: the two would then see
 * different descriptors, and names that one has checked are not those that the other prints.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { eachField, requireDepth } from "./walk.js";

/** Throws for the first field that is of another type, in the message or in one that is within. */
export function requireWireTypes(bytes: Uint8Array, type: DescMessage, depth = 0): void {
  requireDepth(depth);
  const fields = fieldsOf(type);
  eachField(bytes, (tag, reader) => {
    const field = fields.get(tag >>> 3);
    if (field === undefined) return false;
    const wireType = tag & 7;
    const isPacked = wireType === WireType.LengthDelimited && field.fieldKind === "list";
    if (wireType !== wireTypeOf(field) && !isPacked) {
      throw new Error(`${type.name}.${field.name} has wire type ${wireType}, at byte ${reader.pos}`);
    }
    if (field.message === undefined) return false;
    requireWireTypes(reader.bytes(), field.message, depth + 1);
    return true;
  });
}

/** Descriptors have numbers, a double, texts and messages. */
function wireTypeOf(field: DescField): WireType {
  if (field.enum !== undefined) return WireType.Varint;
  switch (field.scalar) {
    case undefined:
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}

const fieldsByType = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(type: DescMessage): ReadonlyMap<number, DescField> {
  let fields = fieldsByType.get(type);
  if (fields === undefined) {
    fields = new Map(type.fields.map((field) => [field.number, field]));
    fieldsByType.set(type, fields);
  }
  return fields;
}
