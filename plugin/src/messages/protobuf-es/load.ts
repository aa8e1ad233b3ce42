/**
 * Loads protoc-gen-es, which has no entry for other programs: its files are named, and its version is pinned. It brings
 * copies of @bufbuild/protobuf of its own version, and messages for it are made with those.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileNames } from "./names.js";
import type { NamedType } from "./types.js";

/** A FileDescriptorProto, for protoc-gen-es alone. */
export interface FileDescriptor {
  readonly $typeName: "google.protobuf.FileDescriptorProto";
  readonly sourceCodeInfo?: { readonly location: readonly Location[] };
}

interface Location {
  leadingComments: string;
  trailingComments: string;
  leadingDetachedComments: string[];
}

interface GeneratorRequest {
  readonly fileToGenerate: readonly string[];
  readonly parameter: string;
  readonly protoFile: readonly FileDescriptor[];
  readonly sourceFileDescriptors: readonly FileDescriptor[];
}

interface GeneratorResponse {
  readonly file: readonly { readonly name: string; readonly content: string }[];
}

/** The parts of it, and of its @bufbuild/protobuf, that are used here. */
export interface ProtocGenEs {
  run(request: GeneratorRequest): GeneratorResponse;
  fromBinary(schema: Schema<FileDescriptor>, bytes: Uint8Array): FileDescriptor;
  create(schema: Schema<GeneratorRequest>, init: GeneratorRequest): GeneratorRequest;
  readonly FileDescriptorProtoSchema: Schema<FileDescriptor>;
  readonly CodeGeneratorRequestSchema: Schema<GeneratorRequest>;
}

/** A schema for messages of type T. */
interface Schema<T> {
  readonly "": T;
}

/** Throws MODULE_NOT_FOUND where it is not installed. */
export function loadProtocGenEs(): ProtocGenEs {
  const near = createRequire(createRequire(import.meta.url).resolve("@bufbuild/protoc-gen-es/package.json"));
  const pluginIndex = near.resolve("@bufbuild/protoplugin");
  const nearPlugin = createRequire(pluginIndex);
  const directory = dirname(pluginIndex);
  doWithoutCompiler(nearPlugin, join(directory, "transpile.js"));
  nameEachFileOnce(nearPlugin(join(directory, "names.js")) as Names);
  const { protocGenEs } = near("./dist/cjs/src/protoc-gen-es-plugin.js") as { protocGenEs: Pick<ProtocGenEs, "run"> };
  return {
    run: (request) => protocGenEs.run(request),
    ...(nearPlugin("@bufbuild/protobuf") as Pick<ProtocGenEs, "fromBinary" | "create">),
    ...(nearPlugin("@bufbuild/protobuf/wkt") as Pick<
      ProtocGenEs,
      "FileDescriptorProtoSchema" | "CodeGeneratorRequestSchema"
    >),
  };
}

/**
 * Symptom: 0.4 s and 30 MB more at every start. Cause: @bufbuild/protoplugin requires the TypeScript compiler, which it
 * uses to make JavaScript of TypeScript; TypeScript is all that we ask for. There is no option for it, and no other
 * entry, so the module that requires the compiler is there already when it is asked for.
 */
function doWithoutCompiler(nearPlugin: NodeJS.Require, path: string): void {
  if (nearPlugin.cache[path] !== undefined) return;
  const transpile = () => {
    throw new Error("nothing is transpiled here");
  };
  nearPlugin.cache[path] = {
    id: path,
    filename: path,
    loaded: true,
    exports: { transpile },
  } as unknown as NodeJS.Module;
}

interface Type {
  readonly kind: NamedType["kind"];
  readonly typeName: string;
  readonly file: File;
  readonly nestedMessages: readonly Type[];
  readonly nestedEnums: readonly Type[];
  readonly nestedExtensions: readonly Type[];
}

interface File {
  readonly kind: "file";
  readonly proto: { readonly name: string; readonly package: string };
  readonly messages: readonly Type[];
  readonly enums: readonly Type[];
  readonly services: readonly Type[];
  readonly extensions: readonly Type[];
}

/** What names.js of protoplugin exports, and schema.js calls through its exports. */
interface Names {
  generatedDescName(desc: File | Type): string | undefined;
  generatedShapeName(desc: Type): string | undefined;
  generatedJsonTypeName(desc: Type): string | undefined;
  generatedValidTypeName(desc: Type): string | undefined;
}

/**
 * Symptom: a file of 2,000 messages takes half a minute. Cause: protoplugin works out the names of all types of a file
 * whenever it prints the name of one. So here it is done once per file, by our own rules, which are the same.
 */
function nameEachFileOnce(names: Names): void {
  const byFile = new WeakMap<File, Map<File | Type, { [K in keyof Names]: string | undefined }>>();
  const namesOf = (desc: File | Type) => {
    const file = desc.kind === "file" ? desc : desc.file;
    let all = byFile.get(file);
    if (all === undefined) {
      const types = [...typesInFile(file)];
      const scope = file.proto.package === "" ? 0 : file.proto.package.length + 1;
      const given = fileNames(
        file.proto.name,
        types.map(({ kind, typeName }) => ({ kind, path: typeName.slice(scope) })),
      );
      all = new Map(
        types.map((type, i) => [
          type,
          {
            generatedDescName: given.desc[i],
            generatedShapeName: given.shape[i],
            generatedJsonTypeName: given.json[i],
            generatedValidTypeName: given.valid[i],
          },
        ]),
      );
      const none = {
        generatedShapeName: undefined,
        generatedJsonTypeName: undefined,
        generatedValidTypeName: undefined,
      };
      all.set(file, { ...none, generatedDescName: given.file });
      byFile.set(file, all);
    }
    return all.get(desc);
  };
  names.generatedDescName = (desc) => namesOf(desc)?.generatedDescName;
  names.generatedShapeName = (desc) => namesOf(desc)?.generatedShapeName;
  names.generatedJsonTypeName = (desc) => namesOf(desc)?.generatedJsonTypeName;
  names.generatedValidTypeName = (desc) => namesOf(desc)?.generatedValidTypeName;
}

function* typesInFile({ messages, enums, services, extensions }: File): Iterable<Type> {
  yield* typesInMessages(messages);
  yield* enums;
  yield* services;
  yield* extensions;
}

function* typesInMessages(messages: readonly Type[]): Iterable<Type> {
  for (const message of messages) {
    yield message;
    yield* typesInMessages(message.nestedMessages);
    yield* message.nestedEnums;
    yield* message.nestedExtensions;
  }
}
