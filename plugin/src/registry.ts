/** Whole descriptors, for what has to look at more than names. Loads @bufbuild/protobuf: import it when it is needed. */
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { PluginError } from "./errors.js";
import { inOrderOfImports } from "./imports.js";
import { orMalformed, type ProtoFile, type Request } from "./read-model.js";
import { bytesField, withoutField } from "./walk.js";
import { requireWireTypes } from "./wire-types.js";

/** The types of these files and of all that they import, without comments. */
export function createRegistry(files: readonly ProtoFile[], request: Request): FileRegistry {
  const ordered = inOrderOfImports(files, request.files);
  const file = orMalformed(() =>
    ordered.map(({ bytes }) => {
      const withoutComments = withoutField(bytes, bytesField(9));
      requireWireTypes(withoutComments, FileDescriptorProtoSchema);
      return fromBinary(FileDescriptorProtoSchema, withoutComments);
    }),
  );
  const create = (count: number): FileRegistry | Error => {
    try {
      const set: FileDescriptorSet = { $typeName: "google.protobuf.FileDescriptorSet", file: file.slice(0, count) };
      return createFileRegistry(set);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  const registry = create(file.length);
  if (!(registry instanceof Error)) return registry;
  // Types that are not there, names that are none: what no compiler sends. The error need not name the file, which is
  // the last of the fewest files that have it.
  let [right, wrong] = [0, file.length];
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    if (create(middle) instanceof Error) wrong = middle;
    else right = middle;
  }
  throw new PluginError(`is not what a compiler makes of a proto (${registry.message})`, {
    file: ordered[wrong - 1]?.name ?? "",
    hint: "this is a fault of the compiler that runs this plugin",
  });
}
