/** What files import, directly or not. */
import { PluginError } from "./errors.js";
import type { ProtoFile } from "./read-model.js";

/** These files and all that they import; sorted by name. Throws a {@link PluginError} where a file is missing. */
export function withImports(some: readonly ProtoFile[], files: ReadonlyMap<string, ProtoFile>): readonly ProtoFile[] {
  const found = new Set(some);
  // A set that grows while it is walked is walked to its end.
  for (const file of found) {
    for (const name of file.dependencies) {
      const imported = files.get(name);
      if (imported === undefined) {
        throw new PluginError(`imports ${name}, which is not among the files of the request`, {
          file: file.name,
          hint: "with protoc or an image, include all imports",
        });
      }
      found.add(imported);
    }
  }
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** These files and all that they import, each file after those that it imports: the order that registries want. */
export function inOrderOfImports(
  some: readonly ProtoFile[],
  files: ReadonlyMap<string, ProtoFile>,
): readonly ProtoFile[] {
  const seen = new Set<ProtoFile>();
  const ordered: ProtoFile[] = [];
  const visit = (file: ProtoFile): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of file.dependencies) {
      const imported = files.get(name);
      if (imported !== undefined) visit(imported);
    }
    ordered.push(file);
  };
  some.forEach(visit);
  return ordered;
}
