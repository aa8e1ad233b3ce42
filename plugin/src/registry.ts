/** Whole descriptors, for what has to look at more than names. Loads @bufbuild/protobuf: import it when it is needed. */
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { MalformedRequestError } from "./errors.js";
import { inOrderOfImports } from "./imports.js";
import type { ProtoFile, Request } from "./read-model.js";
import { bytesField, withoutField } from "./walk.js";

/** The types of these files and of all that they import, without comments. */
export function createRegistry(files: readonly ProtoFile[], request: Request): FileRegistry {
  try {
    const file = inOrderOfImports(files, request.files).map(({ bytes }) =>
      fromBinary(FileDescriptorProtoSchema, withoutField(bytes, bytesField(9))),
    );
    const set: FileDescriptorSet = { $typeName: "google.protobuf.FileDescriptorSet", file };
    return createFileRegistry(set);
  } catch (error) {
    // Types that are not there, names that are none: what no compiler sends.
    throw new MalformedRequestError(error);
  }
}
