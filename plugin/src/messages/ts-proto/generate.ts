/** Runs ts-proto's generator in this process: the message files of `emit=all`. */
import { MalformedRequestError, PluginError } from "../../errors.js";
import type { Options } from "../../options.js";
import { commentsOf } from "../../read-comments.js";
import type { ProtoFile, Request } from "../../read-model.js";
import { bytesField, eachField, withoutField } from "../../walk.js";
import type { GeneratedFile } from "../library.js";
import type { MessageModules } from "../modules.js";
import { indent } from "./indent.js";
import {
  createFileContext,
  createTypeMap,
  type FileDescriptor,
  FileDescriptorProto,
  generateFile,
  getTsPoetOpts,
  makeUtils,
  optionsFromParameter,
  type TsProtoSettings,
  type TypeMap,
  version,
} from "./load.js";
import { checkNames } from "./name-limits.js";
import { tsProtoParameter } from "./options.js";
import { printFast } from "./print.js";
import { openByIndex } from "./source-info.js";

/**
 * The messages of the files to generate and of those that they use, in the order of their names.
 *
 * A compiler may call the plugin once per directory, and then no call knows what the others emit. So each emits all
 * that it refers to, and since the same proto always makes the same bytes, buf takes the copies for one file. What is
 * imported for options alone it does not refer to: where each directory is a call, google/api/ and descriptor.proto,
 * which nearly every API imports so, would be most of all that is generated.
 */
export function generateMessages(request: Request, options: Options, modules: MessageModules): Iterable<GeneratedFile> {
  openByIndex();
  printFast();
  const suffix = options.importExtension === "none" ? "" : `.${options.importExtension}`;
  const settings = optionsFromParameter(tsProtoParameter(options.tsProto, suffix));
  const toGenerate = new Set(request.filesToGenerate.map((file) => file.name));
  // Schemas and extensions refer to all.
  const refersToOptions = settings.outputSchema || settings.outputExtensions;
  const files = refersToOptions
    ? request.withImports(request.filesToGenerate)
    : request.withUsedImports(request.filesToGenerate);
  const known = files.map((file) => decode(file, settings));
  for (const { name } of known) {
    const module = modules.packaged(name);
    if (module !== undefined) settings.M[name] = module;
  }
  const wanted = known.filter(
    ({ name }) => settings.M[name] === undefined && (settings.emitImportedFiles || toGenerate.has(name)),
  );
  const types = createTypeMap({ protoFile: known } as Parameters<typeof createTypeMap>[0], settings);
  checkNames(wanted, types, settings, options.tsProto);
  return generateFiles(wanted, types, settings, request.compilerVersion);
}

function* generateFiles(
  wanted: readonly FileDescriptor[],
  typeMap: TypeMap,
  settings: TsProtoSettings,
  compilerVersion: string,
): Iterable<GeneratedFile> {
  for (const descriptor of wanted) {
    // ts-poet renames imports inside these where they clash with a name of the file; for the next file they have to be
    // as they were, or its content would depend on which files came before.
    const utils = makeUtils(settings);
    const context = { typeMap, options: settings, utils, currentFile: createFileContext(descriptor) };
    try {
      const [path, code] = generateFile(context, descriptor);
      const printing = getTsPoetOpts(settings, `v${version}`, compilerVersion, descriptor.name);
      // The other options of it are about the formatter, and about protobufjs, which ts-proto 2 does without.
      const { prefix = "", forceRequireImport = [] } = printing;
      yield { name: path, content: indent(code.toString({ prefix, forceRequireImport, path })) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new PluginError(`ts-proto cannot generate its messages (${reason})`, {
        file: descriptor.name,
        hint: "use messages=protobuf-es, or emit=services",
      });
    }
  }
}

function decode(file: ProtoFile, settings: TsProtoSettings): FileDescriptor {
  try {
    // With `outputSchema`, the descriptor becomes part of the output, whole.
    const bytes = settings.outputSchema ? file.bytes : withoutField(file.bytes, bytesField(9));
    const descriptor = FileDescriptorProto.decode(bytes);
    // It reads on behind a message that goes beyond its own end, and then takes what follows for something else.
    if (descriptor.name !== file.name || descriptor.package !== file.package) {
      throw new RangeError(`a message in ${file.name} goes beyond its end`);
    }
    if (!settings.outputSchema) descriptor.sourceCodeInfo = { location: commentedLocations(file) };
    return descriptor;
  } catch (error) {
    throw new MalformedRequestError(error);
  }
}

/**
 * ts-proto searches all locations of a file for each of its messages. It looks only for comments, and not one location
 * in twenty has one.
 */
function commentedLocations(file: ProtoFile) {
  let sourceInfo: Uint8Array | undefined;
  eachField(file.bytes, (tag, reader) => {
    if (tag !== bytesField(9)) return false;
    sourceInfo = reader.bytes();
    return true;
  });
  return [...commentsOf(sourceInfo)].map(([path, doc]) => ({
    path: path.split(",").map(Number),
    span: [],
    leadingComments: doc.leading,
    trailingComments: doc.trailing,
    leadingDetachedComments: [...doc.detached],
  }));
}
