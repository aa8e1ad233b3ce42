/** Runs protoc-gen-es's generator in this process: the message files of `emit=all`. */
import { posix } from "node:path";
import { MalformedRequestError, PluginError } from "../../errors.js";
import { inOrderOfImports } from "../../imports.js";
import type { Options } from "../../options.js";
import { plainText } from "../../read-comments.js";
import type { Request } from "../../read-model.js";
import { createRegistry } from "../../registry.js";
import { bytesField, withoutField } from "../../walk.js";
import { requireDeclaredNames } from "../declared-names.js";
import type { GeneratedFile } from "../library.js";
import type { MessageModules } from "../modules.js";
import { canonicalDescriptors } from "./canonical.js";
import { type FileDescriptor, loadProtocGenEs } from "./load.js";
import { checkNames } from "./name-limits.js";
import { protobufEsParameter } from "./options.js";

/**
 * The messages of the files to generate and of all that they import, in the order of their names.
 *
 * A compiler may call the plugin once per directory, and then no call knows what the others emit. So each emits all
 * that it refers to, and the same proto always makes the same bytes.
 */
export function generateMessages(request: Request, options: Options, modules: MessageModules): Iterable<GeneratedFile> {
  const { run, fromBinary, FileDescriptorProtoSchema, create, CodeGeneratorRequestSchema } = loadProtocGenEs();
  const decode = (bytes: Uint8Array): FileDescriptor => {
    try {
      return fromBinary(FileDescriptorProtoSchema, bytes);
    } catch (error) {
      throw new MalformedRequestError(error);
    }
  };
  const all = request.withImports(request.filesToGenerate);
  const wanted = all.filter(({ name }) => modules.packaged(name) === undefined);
  const registry = createRegistry(wanted, request);
  checkNames(wanted, registry);
  const embedded = canonicalDescriptors(wanted, request, registry);
  const generatorRequest = create(CodeGeneratorRequestSchema, {
    fileToGenerate: wanted.map(({ name }) => name),
    parameter: protobufEsParameter(options.protobufEs, options.importExtension),
    // Becomes part of the output, without comments.
    protoFile: inOrderOfImports(wanted, request.files).map((file) =>
      decode(withoutField(embedded.get(file) ?? file.bytes, bytesField(9))),
    ),
    // Is what comments and options are read from.
    sourceFileDescriptors: wanted.map((file) => {
      const source = request.sourceFile(file.name);
      if (source !== undefined) requireDeclaredNames([{ ...file, bytes: source }]);
      return withPlainComments(decode(source ?? file.bytes));
    }),
  });
  try {
    const { file } = run(generatorRequest);
    return file
      .map(({ name, content }) => ({ name, content: importPackages(name, content, options, modules) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PluginError(`protoc-gen-es cannot generate these messages (${reason})`, {
      hint: "use emit=services and run protoc-gen-es by itself",
    });
  }
}

/** Comments as they go into service files too. */
function withPlainComments(file: FileDescriptor): FileDescriptor {
  for (const location of file.sourceCodeInfo?.location ?? []) {
    // One that is set to nothing would be there, and be printed.
    if (location.leadingComments !== "") location.leadingComments = plainText(location.leadingComments);
    if (location.trailingComments !== "") location.trailingComments = plainText(location.trailingComments);
    location.leadingDetachedComments = location.leadingDetachedComments.map(plainText);
  }
  return file;
}

/** Has the imports of mapped protos come from where they are; well-known ones protoc-gen-es knows of. */
function importPackages(name: string, content: string, { mapping }: Options, modules: MessageModules): string {
  if (mapping.size === 0) return content;
  return content.replace(/^(import .* from )"(\.[^"]*)";$/gm, (statement, start: string, specifier: string) => {
    const path = posix.join(posix.dirname(name), specifier).replace(/(\.js|\.ts)?$/, "");
    const module = modules.packaged(`${path.replace(/_pb$/, "")}.proto`);
    return module === undefined ? statement : `${start}${JSON.stringify(module)};`;
  });
}
