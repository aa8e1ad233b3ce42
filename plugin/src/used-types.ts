/** Which of the files that are imported have something that is used: most are imported for their options alone. */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import type { ProtoFile } from "./read-model.js";
import { bytesField, eachField, eachFieldOfValue, stringField } from "./walk.js";

/**
 * These files, and of `all` those that declare the type of a field of theirs, or of a field of another that is found so,
 * or a request or a response of an rpc of theirs. In the order of `all`.
 */
export function withUsedTypes(some: readonly ProtoFile[], all: readonly ProtoFile[]): readonly ProtoFile[] {
  const declaredIn = new Map<string, ProtoFile>();
  for (const file of all) eachDeclaredType(file, (typeName) => declaredIn.set(typeName, file));
  const found = new Set(some);
  const use = (typeName: string): void => {
    const file = declaredIn.get(typeName);
    if (file !== undefined) found.add(file);
  };
  for (const file of some) eachTypeOfRpcs(file, use);
  // A set that grows while it is walked is walked to its end.
  for (const file of found) eachTypeOfFields(file, use);
  return all.filter((file) => found.has(file));
}

// Field numbers of FileDescriptorProto, and of DescriptorProto where a declaration is within a message.
const inFile = { message: bytesField(4), enum: bytesField(5), extension: bytesField(7) };
const inMessage = { message: bytesField(3), enum: bytesField(4), extension: bytesField(6), field: bytesField(2) };
const service = bytesField(6);
const name = stringField(1);

/** Full names, with the dot that references to them begin with. */
type SeeType = (typeName: string) => void;

function eachDeclaredType(file: ProtoFile, see: SeeType): void {
  const scope = file.package === "" ? "." : `.${file.package}.`;
  eachField(file.bytes, (tag, reader) => {
    if (tag === inFile.message) seeMessage(reader, scope, see);
    else if (tag === inFile.enum) see(scope + nameOf(reader));
    else return false;
    return true;
  });
}

function seeMessage(reader: BinaryReader, scope: string, see: SeeType): void {
  const start = reader.pos;
  const typeName = scope + nameOf(reader);
  see(typeName);
  reader.pos = start;
  eachFieldOfValue(reader, (tag) => {
    if (tag === inMessage.message) seeMessage(reader, `${typeName}.`, see);
    else if (tag === inMessage.enum) see(`${typeName}.${nameOf(reader)}`);
    else return false;
    return true;
  });
}

function nameOf(reader: BinaryReader): string {
  let found = "";
  eachFieldOfValue(reader, (tag) => {
    if (tag !== name) return false;
    found = reader.string();
    return true;
  });
  return found;
}

function eachTypeOfFields(file: ProtoFile, see: SeeType): void {
  eachField(file.bytes, (tag, reader) => {
    if (tag === inFile.message) seeFieldsOf(reader, see);
    else if (tag === inFile.extension) seeField(reader, see);
    else return false;
    return true;
  });
}

function seeFieldsOf(reader: BinaryReader, see: SeeType): void {
  eachFieldOfValue(reader, (tag) => {
    if (tag === inMessage.field || tag === inMessage.extension) seeField(reader, see);
    else if (tag === inMessage.message) seeFieldsOf(reader, see);
    else return false;
    return true;
  });
}

/** `type_name` of FieldDescriptorProto. */
function seeField(reader: BinaryReader, see: SeeType): void {
  eachFieldOfValue(reader, (tag) => {
    if (tag !== stringField(6)) return false;
    see(reader.string());
    return true;
  });
}

/** `input_type` and `output_type` of MethodDescriptorProto. */
function eachTypeOfRpcs(file: ProtoFile, see: SeeType): void {
  eachField(file.bytes, (tag, reader) => {
    if (tag !== service) return false;
    eachFieldOfValue(reader, (part) => {
      if (part !== bytesField(2)) return false;
      eachFieldOfValue(reader, (of) => {
        if (of !== stringField(2) && of !== stringField(3)) return false;
        see(reader.string());
        return true;
      });
      return true;
    });
    return true;
  });
}
