/**
 * Request bytes → model; the only reader of descriptors.
 *
 * A request for all of googleapis has 165 MB, nearly all of which no service needs. So nothing is decoded whole: files
 * are views of the request, walked tag by tag where something is looked for, and stepped over elsewhere.
 */
import { MalformedRequestError, PluginError } from "./errors.js";
import { withImports } from "./imports.js";
import type { FileModel } from "./model.js";
import { readServices } from "./read-services.js";
import { TypeIndex } from "./type-index.js";
import { withUsedTypes } from "./used-types.js";
import { requirePath } from "./valid-names.js";
import { bytesField, eachField, nameOf, stringField, varintField } from "./walk.js";

/** The newest edition whose features are known: `maximumEdition` of @bufbuild/protobuf, without loading it. */
export const maximumEdition = 1002;
export const minimumEdition = 998;

/** A CodeGeneratorRequest, as far as it was looked at. */
export interface Request {
  readonly parameter: string;
  /** `v7.36.2`, or `unknown` (buf does not say). */
  readonly compilerVersion: string;
  /** In the order of the request, each once. */
  readonly filesToGenerate: readonly ProtoFile[];
  readonly files: ReadonlyMap<string, ProtoFile>;
  /** A file to generate with the options that only generators see, where the compiler sends those. */
  sourceFile(name: string): Uint8Array | undefined;
  /** The file's services, with the files that declare their messages looked up. */
  readModel(file: ProtoFile): FileModel;
  /** These files and all that they import, directly or not; sorted by name. */
  withImports(files: readonly ProtoFile[]): readonly ProtoFile[];
  /** Without those imports of which nothing is used in a field or an rpc; sorted by name. */
  withUsedImports(files: readonly ProtoFile[]): readonly ProtoFile[];
}

/** A FileDescriptorProto of which the few small fields at its top have been read. */
export interface ProtoFile {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly package: string;
  readonly dependencies: readonly string[];
  /** 998 is proto2, 999 proto3, from 1000 on editions: as in google.protobuf.Edition. */
  readonly edition: number;
}

/** Throws a {@link MalformedRequestError}, or a {@link PluginError} where a file is missing or too new. */
export function readRequest(bytes: Uint8Array): Request {
  const { parameter, compilerVersion, generate, files, sources } = orMalformed(() => walkRequest(bytes));
  const filesToGenerate = [...new Set(generate)].map((name) => {
    requirePath(name);
    const file = files.get(name);
    if (file === undefined) {
      throw new PluginError("is to be generated, but is not among the files of the request", {
        file: name,
        hint: "this is a fault of the compiler that runs this plugin",
      });
    }
    return file;
  });
  const types = new TypeIndex(files.values());
  let sourceByName: ReadonlyMap<string, Uint8Array> | undefined;
  return {
    parameter,
    compilerVersion,
    filesToGenerate,
    files,
    sourceFile: (name) => {
      sourceByName ??= new Map(orMalformed(() => sources.map((source) => [nameOf(source), source])));
      return sourceByName.get(name);
    },
    readModel: (file) =>
      orMalformed(() => {
        requireKnownEdition(file);
        return {
          name: file.name,
          package: file.package,
          ...readServices(file, (typeName, symbol) => types.find(typeName, symbol, file)),
        };
      }),
    withImports: (some) => withImports(some, files),
    withUsedImports: (some) => orMalformed(() => withUsedTypes(some, withImports(some, files))),
  };
}

/** Any fault that shows while walking bytes means that they are not what they should be. */
export function orMalformed<T>(walk: () => T): T {
  try {
    return walk();
  } catch (error) {
    throw error instanceof PluginError ? error : new MalformedRequestError(error);
  }
}

function walkRequest(bytes: Uint8Array) {
  const generate: string[] = [];
  const files = new Map<string, ProtoFile>();
  const sources: Uint8Array[] = [];
  let parameter = "";
  let compilerVersion = "unknown";
  eachField(bytes, (tag, reader) => {
    switch (tag) {
      case bytesField(1):
        generate.push(reader.string());
        return true;
      case bytesField(2):
        parameter = reader.string();
        return true;
      case bytesField(3):
        compilerVersion = readVersion(reader.bytes());
        return true;
      case bytesField(15): {
        const file = readFile(reader.bytes());
        // A compiler sends each file once; should one be there twice, the first counts, whatever the rest says.
        if (!files.has(file.name)) files.set(file.name, file);
        return true;
      }
      case bytesField(17):
        // Repeats the files to generate; nothing of it is read unless somebody asks.
        sources.push(reader.bytes());
        return true;
      default:
        return false;
    }
  });
  return { parameter, compilerVersion, generate, files, sources };
}

function readVersion(bytes: Uint8Array): string {
  const parts = [0, 0, 0];
  eachField(bytes, (tag, reader) => {
    const index = [varintField(1), varintField(2), varintField(3)].indexOf(tag);
    if (index < 0) return false;
    parts[index] = reader.int32();
    return true;
  });
  return `v${parts.join(".")}`;
}

function readFile(bytes: Uint8Array): ProtoFile {
  let name = "";
  let packageName = "";
  let syntax = "";
  let edition = 0;
  const dependencies: string[] = [];
  eachField(bytes, (tag, reader) => {
    switch (tag) {
      case stringField(1):
        name = reader.string();
        return true;
      case stringField(2):
        packageName = reader.string();
        return true;
      case stringField(3):
        dependencies.push(reader.string());
        return true;
      case stringField(12):
        syntax = reader.string();
        return true;
      case varintField(14):
        edition = reader.int32();
        return true;
      default:
        return false;
    }
  });
  if (syntax !== "editions") edition = syntax === "proto3" ? 999 : 998;
  return { bytes, name, package: packageName, dependencies, edition };
}

/** Throws where a file is newer than what this plugin knows of. */
export function requireKnownEdition({ name, edition }: ProtoFile): void {
  if (edition >= minimumEdition && edition <= maximumEdition) return;
  throw new PluginError(
    `uses edition ${editionName(edition)}, and the newest known here is ${editionName(maximumEdition)}`,
    {
      file: name,
      hint: "update @trunkline/protoc-gen-ts, or use an older edition",
    },
  );
}

/** `2023` for 1000: as the proto spells it. */
export function editionName(edition: number): string {
  const names: { readonly [edition: number]: string } = { 998: "proto2", 999: "proto3" };
  // Editions are numbered in their order, and so far none has skipped a year but 2025.
  const years = [2023, 2024, 2026];
  return names[edition] ?? String(years[edition - 1000] ?? `number ${edition}`);
}
