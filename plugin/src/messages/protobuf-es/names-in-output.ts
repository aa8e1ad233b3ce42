/**
 * Names that protoc-gen-es 2.13 prints and that TypeScript cannot take, so that no file goes out that does not compile.
 * Found by compiling what it makes of random protos (test/plugin/random-output.ts).
 */
import { PluginError } from "../../errors.js";
import { reservedWords } from "../../names.js";
import { orMalformed, type ProtoFile } from "../../read-model.js";
import { bytesField, eachField, requireDepth, stringField } from "../../walk.js";
import { fileNames } from "./names.js";
import { typesOf } from "./types.js";

/** Throws a {@link PluginError} for the first of such names in the files. */
export function requirePrintableNames(files: readonly ProtoFile[]): void {
  for (const file of files) {
    const types = typesOf(file);
    const { shape, desc } = fileNames(file.name, types);
    for (const [i, { path }] of types.entries()) {
      const name = [shape[i], desc[i]].find((one) => one !== undefined && unusable.has(one));
      if (name !== undefined) {
        throw refused(file, path, `would be called ${name} by protoc-gen-es, which TypeScript does not allow`);
      }
    }
    orMalformed(() => checkMessages(file.bytes, bytesField(4), "", file, 0));
  }
}

function checkMessages(bytes: Uint8Array, tagOfMessages: number, scope: string, file: ProtoFile, depth: number): void {
  requireDepth(depth);
  eachField(bytes, (tag, reader) => {
    if (tag !== tagOfMessages) return false;
    const message = reader.bytes();
    let name = "";
    const members: string[] = [];
    eachField(message, (inner, value) => {
      if (inner === stringField(1)) name = value.string();
      else if (inner === bytesField(2) || inner === bytesField(8)) members.push(nameOf(value.bytes()));
      else return false;
      return true;
    });
    const nameless = members.find((member) => /^_+$/.test(member));
    if (nameless !== undefined) {
      throw refused(
        file,
        `${scope}${name}.${nameless}`,
        "has nothing in its name of which protoc-gen-es makes another",
      );
    }
    checkMessages(message, bytesField(3), `${scope}${name}.`, file, depth + 1);
    return true;
  });
}

function nameOf(bytes: Uint8Array): string {
  let name = "";
  eachField(bytes, (tag, reader) => {
    if (tag !== stringField(1)) return false;
    name = reader.string();
    return true;
  });
  return name;
}

function refused(file: ProtoFile, path: string, fault: string): PluginError {
  const symbol = file.package === "" ? path : `${file.package}.${path}`;
  return new PluginError(fault, { file: file.name, symbol, hint: "rename it" });
}

/** It leaves some words alone that are reserved where they are declared. Operators on types are not. */
const unusable: ReadonlySet<string> = new Set(
  reservedWords.filter((word) => !["asserts", "infer", "is", "keyof", "readonly", "unique"].includes(word)),
);
