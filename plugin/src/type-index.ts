/** Which file declares a message. */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { PluginError } from "./errors.js";
import type { MessageRef } from "./model.js";
import type { ProtoFile } from "./read-model.js";
import { requireFullName, requirePath } from "./valid-names.js";
import { bytesField, eachField, eachFieldOfValue, requireDepth, stringField } from "./walk.js";

/** A package's files are looked into when one of its messages is first asked for. */
export class TypeIndex {
  readonly #filesByPackage = new Map<string, ProtoFile[]>();
  /** What is no longer than a hostile name has dots: those prefixes of a name that may be packages. */
  readonly #packageLengths = new Set<number>();
  readonly #messagesByPackage = new Map<string, ReadonlyMap<string, ProtoFile>>();

  constructor(files: Iterable<ProtoFile>) {
    for (const file of files) {
      this.#packageLengths.add(file.package.length);
      const some = this.#filesByPackage.get(file.package);
      if (some === undefined) this.#filesByPackage.set(file.package, [file]);
      else some.push(file);
    }
  }

  find(fullName: string, symbol: string, user: ProtoFile): MessageRef {
    const typeName = fullName.replace(/^\./, "");
    // `a.b.C.D` may be C.D in package a.b, D in a.b.C, and so on to a message in no package.
    for (let end = typeName.lastIndexOf("."); ; end = typeName.lastIndexOf(".", end - 1)) {
      const length = Math.max(end, 0);
      if (this.#packageLengths.has(length)) {
        const packageName = typeName.slice(0, length);
        const file = this.#messages(packageName).get(typeName);
        if (file !== undefined) {
          // It need not be among the imports that were looked at.
          requirePath(file.name);
          requireFullName("a message", typeName, file.name);
          return { typeName, file: file.name, package: packageName };
        }
      }
      if (end <= 0) break;
    }
    throw new PluginError(`uses ${typeName || "a message without a name"}, which no file of the request declares`, {
      file: user.name,
      symbol,
      hint: "import the file that declares it",
    });
  }

  #messages(packageName: string): ReadonlyMap<string, ProtoFile> {
    let messages = this.#messagesByPackage.get(packageName);
    if (messages === undefined) {
      const all = new Map<string, ProtoFile>();
      for (const file of this.#filesByPackage.get(packageName) ?? []) {
        const scope = packageName && `${packageName}.`;
        eachField(file.bytes, (tag, reader) => {
          if (tag !== bytesField(4)) return false;
          indexMessage(reader, scope, file, all, 0);
          return true;
        });
      }
      messages = all;
      this.#messagesByPackage.set(packageName, messages);
    }
    return messages;
  }
}

function indexMessage(
  reader: BinaryReader,
  scope: string,
  file: ProtoFile,
  into: Map<string, ProtoFile>,
  depth: number,
): void {
  requireDepth(depth);
  const nested: number[] = [];
  let typeName = scope;
  eachFieldOfValue(reader, (tag) => {
    if (tag === bytesField(3)) nested.push(reader.pos);
    if (tag !== stringField(1)) return false;
    typeName = scope + reader.string();
    return true;
  });
  if (!into.has(typeName)) into.set(typeName, file);
  const after = reader.pos;
  for (const position of nested) {
    reader.pos = position;
    indexMessage(reader, `${typeName}.`, file, into, depth + 1);
  }
  reader.pos = after;
}
