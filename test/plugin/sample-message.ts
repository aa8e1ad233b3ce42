/** Messages in which every field is set to something, made by @bufbuild/protobuf from descriptors. */
import { create, type DescField, type DescMessage, type Message, protoInt64, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Of fields that exclude each other, the last is set; messages are filled three deep. */
export function sampleMessage(type: DescMessage): Message {
  return sample(type, 0).message;
}

function sample(type: DescMessage, depth: number): ReflectMessage {
  const message = reflect(type, create(type));
  for (const field of type.fields) fill(message, field, depth);
  return message;
}

function fill(message: ReflectMessage, field: DescField, depth: number): void {
  switch (field.fieldKind) {
    case "scalar":
      message.set(field, scalarOf(field.scalar));
      break;
    case "enum":
      message.set(field, field.enum.values.at(-1)!.number);
      break;
    case "message":
      if (depth < 2) message.set(field, sample(field.message, depth + 1));
      break;
    case "list":
      if (field.listKind === "message") {
        if (depth < 2) message.get(field).add(sample(field.message, depth + 1));
      } else {
        const item = field.listKind === "enum" ? field.enum.values.at(-1)!.number : scalarOf(field.scalar);
        message.get(field).add(item);
        message.get(field).add(item);
      }
      break;
    case "map": {
      const mapKey = scalarOf(field.mapKey) as string | number | bigint | boolean;
      if (field.mapKind === "message") {
        if (depth < 2) message.get(field).set(mapKey, sample(field.message, depth + 1));
      } else {
        message
          .get(field)
          .set(mapKey, field.mapKind === "enum" ? field.enum.values.at(-1)!.number : scalarOf(field.scalar));
      }
      break;
    }
  }
}

function scalarOf(type: ScalarType): string | number | bigint | boolean | Uint8Array {
  switch (type) {
    case ScalarType.STRING:
      return "é名\n";
    case ScalarType.BYTES:
      return Uint8Array.of(0, 255, 7);
    case ScalarType.BOOL:
      return true;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return -1.5;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return protoInt64.uParse("18446744073709551615");
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return protoInt64.parse("-9223372036854775808");
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return 4_294_967_295;
    default:
      return -2_147_483_648;
  }
}
