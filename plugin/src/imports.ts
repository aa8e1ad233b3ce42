/** What files import, directly or not. */
import { PluginError } from "./errors.js";
import type { ProtoFile } from "./read-model.js";
import { requirePath } from "./valid-names.js";

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
      requirePath(name);
      found.add(imported);
    }
  }
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * These files and all that they import, each file after those that it imports: the order that registries want. Throws a
 * {@link PluginError} where files import each other. Not by a function that calls itself: imports may go deep.
 */
export function inOrderOfImports(
  some: readonly ProtoFile[],
  files: ReadonlyMap<string, ProtoFile>,
): readonly ProtoFile[] {
  const ordered = new Set<ProtoFile>();
  /** From one of `some` down, each with how many of its imports have been looked at. */
  const path: { readonly file: ProtoFile; next: number }[] = [];
  const onPath = new Set<ProtoFile>();
  const enter = (file: ProtoFile): void => {
    if (ordered.has(file)) return;
    if (onPath.has(file))
      throw cycle(path.map((step) => step.file.name).slice(path.findIndex((step) => step.file === file)));
    path.push({ file, next: 0 });
    onPath.add(file);
  };
  for (const file of some) {
    enter(file);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const name = step.file.dependencies[step.next++];
      if (name === undefined) {
        path.pop();
        onPath.delete(step.file);
        ordered.add(step.file);
      } else {
        const imported = files.get(name);
        if (imported !== undefined) enter(imported);
      }
    }
  }
  return [...ordered];
}

function cycle([file, ...through]: readonly string[]): PluginError {
  const [next] = through;
  const way =
    next === undefined ? "" : `, by way of ${next}${through.length > 1 ? ` and ${through.length - 1} more` : ""}`;
  return new PluginError(`imports itself${way}`, { file: file ?? "", hint: "remove one of these imports" });
}
