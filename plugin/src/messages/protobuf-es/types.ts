/** The types of a file, as far as protobuf-es has to name them: read without decoding the file. */
import { orMalformed, type ProtoFile } from "../../read-model.js";
import { bytesField, eachField, nameOf, requireDepth, varintField } from "../../walk.js";

export interface NamedType {
  readonly kind: "message" | "enum" | "extension" | "service";
  /** Within its package: `Outer.Inner`. */
  readonly path: string;
}

/** Where the declarations that have names are, in FileDescriptorProto and in DescriptorProto. */
const inFile = { message: 4, enum: 5, service: 6, extension: 7 };
const inMessage = { message: 3, enum: 4, service: 0, extension: 6 };

/** In the order in which protobuf-es goes through them, which decides who of two keeps a name. */
export function typesOf(file: ProtoFile): readonly NamedType[] {
  const types: NamedType[] = [];
  orMalformed(() => readScope(file.bytes, inFile, "", types, 0));
  return types;
}

function readScope(bytes: Uint8Array, numbers: typeof inFile, scope: string, into: NamedType[], depth: number): void {
  requireDepth(depth);
  const messages: Uint8Array[] = [];
  const enums: NamedType[] = [];
  const services: NamedType[] = [];
  const extensions: NamedType[] = [];
  eachField(bytes, (tag, reader) => {
    if (tag === bytesField(numbers.message)) messages.push(reader.bytes());
    else if (tag === bytesField(numbers.enum)) enums.push({ kind: "enum", path: scope + nameOf(reader.bytes()) });
    else if (tag === bytesField(numbers.extension)) {
      extensions.push({ kind: "extension", path: scope + nameOf(reader.bytes()) });
    } else if (numbers.service > 0 && tag === bytesField(numbers.service)) {
      services.push({ kind: "service", path: scope + nameOf(reader.bytes()) });
    } else return false;
    return true;
  });
  for (const message of messages) {
    // The entries of a map are messages on the wire only.
    if (isMapEntry(message)) continue;
    const path = scope + nameOf(message);
    into.push({ kind: "message", path });
    readScope(message, inMessage, `${path}.`, into, depth + 1);
  }
  for (const type of [...enums, ...services, ...extensions]) into.push(type);
}

function isMapEntry(message: Uint8Array): boolean {
  let mapEntry = false;
  eachField(message, (tag, reader) => {
    if (tag !== bytesField(7)) return false;
    eachField(reader.bytes(), (option, value) => {
      if (option !== varintField(7)) return false;
      mapEntry = value.bool();
      return true;
    });
    return true;
  });
  return mapEntry;
}
