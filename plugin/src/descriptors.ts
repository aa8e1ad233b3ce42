/** The descriptors that go into service files with `descriptors=embed`. Loaded only where the option is given. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { inOrderOfImports } from "./imports.js";
import { canonicalDescriptors } from "./messages/protobuf-es/canonical.js";
import type { FileModel } from "./model.js";
import type { Request } from "./read-model.js";
import { bytesField } from "./walk.js";

/**
 * The models, each with the descriptors of its file and of all that this imports. Whoever compiles them, and in whatever
 * order, they are the same bytes; those that others import too are in every file that needs them, since a compiler may
 * ask for each directory by itself.
 */
export function withDescriptorSets(models: readonly FileModel[], request: Request): readonly FileModel[] {
  const roots = models.map(({ name }) => request.files.get(name)!);
  const canonical = canonicalDescriptors(request.withImports(roots), request);
  return models.map((model, i) => {
    const writer = new BinaryWriter();
    for (const file of inOrderOfImports([roots[i]!], request.files)) {
      writer.uint32(fileTag).bytes(canonical.get(file)!);
    }
    return { ...model, descriptorSet: writer.finish() };
  });
}

/** The one field of google.protobuf.FileDescriptorSet. */
const fileTag = bytesField(1);
