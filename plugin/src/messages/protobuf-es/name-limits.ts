/**
 * Names that protoc-gen-es 2.13 makes no TypeScript of that compiles; few, since it gives most reserved words a `$`. Found
 * by generating each word in each place (compat/test/name-limits.test.ts).
 */
import type { DescMessage, FileRegistry } from "@bufbuild/protobuf";
import { PluginError } from "../../errors.js";
import type { ProtoFile } from "../../read-model.js";
import { fileNames } from "./names.js";
import { typesOf } from "./types.js";

/** What no type alias can be called, or what is no type where it stands as one. */
const noType: readonly string[] = "any as await infer keyof never readonly symbol undefined unique unknown".split(" ");

/** What no constant of a module can be called. */
const noConstant: readonly string[] = ["arguments", "await", "eval"];

const impossible: { readonly [Kind in "message" | "enum" | "service" | "extension"]: ReadonlySet<string> } = {
  message: new Set(noType),
  enum: new Set([...noType, ...noConstant]),
  service: new Set(noConstant),
  extension: new Set(noConstant),
};

/** Throws a {@link PluginError} for the first name in `files` that would make a module that does not compile. */
export function checkNames(files: readonly ProtoFile[], registry: FileRegistry): void {
  for (const file of files) {
    const types = typesOf(file);
    const { shape, desc } = fileNames(file.name, types);
    types.forEach(({ kind, path }, i) => {
      const name = shape[i] ?? desc[i] ?? "";
      if (!impossible[kind].has(name)) return;
      const symbol = file.package === "" ? path : `${file.package}.${path}`;
      throw refused(`would be called ${name} by protoc-gen-es, which TypeScript does not allow`, file.name, symbol);
    });
    for (const message of registry.getFile(file.name)?.messages ?? []) checkProperties(message, file.name);
  }
}

function checkProperties(message: DescMessage, file: string): void {
  const nameByProperty = new Map<string, string>();
  for (const { localName, name } of message.members) {
    const symbol = `${message.typeName}.${name}`;
    if (localName === "") throw refused("would have no name by protoc-gen-es", file, symbol);
    const other = nameByProperty.get(localName);
    if (other !== undefined) {
      throw refused(`would be called ${localName} by protoc-gen-es, and so would ${other}`, file, symbol);
    }
    nameByProperty.set(localName, name);
  }
  for (const nested of message.nestedMessages) checkProperties(nested, file);
}

function refused(fault: string, file: string, symbol: string): PluginError {
  return new PluginError(fault, { file, symbol, hint: "rename it" });
}
