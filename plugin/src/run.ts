/** Request bytes → the parts of a CodeGeneratorResponse. Pure: what else it reads is handed to it. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { emitMockFile, emitServiceFile } from "./emit-file.js";
import { PluginError } from "./errors.js";
import { indexFileName, withIndexes } from "./index-files.js";
import type { GeneratedFile, MessageLibrary } from "./messages/library.js";
import { type MessageModules, requireUsed } from "./messages/modules.js";
import { createProtobufEsLibrary } from "./messages/protobuf-es.js";
import { createTsProtoLibrary } from "./messages/ts-proto.js";
import type { FileModel } from "./model.js";
import { mockFileName, serviceFileName } from "./names.js";
import { type Options, parseOptions } from "./options.js";
import {
  maximumEdition,
  minimumEdition,
  type ProtoFile,
  type Request,
  readRequest,
  requireKnownEdition,
} from "./read-model.js";
import type { ReadFile } from "./service-config.js";
import { withWanted } from "./service-patterns.js";

/** For who has no files: options that name one fail. */
const noFiles: ReadFile = () => Promise.reject(new Error("there are no files here"));

/**
 * Yields a response in parts, a file at a time, that make one message when they are put together. Faults of the user's
 * protos and options end it with an `error` field, upon which compilers write none of the files.
 *
 * Throws a MalformedRequestError, before it yields anything, for bytes that are no request.
 */
export async function* run(requestBytes: Uint8Array, readFile: ReadFile = noFiles): AsyncGenerator<Uint8Array> {
  try {
    const files = await generate(readRequest(requestBytes), readFile);
    yield features();
    for (const file of files) yield fileField(file);
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    // Should this be the second time, then the same once more changes nothing.
    yield features();
    yield new BinaryWriter().uint32(errorTag).string(error.message).finish();
  }
}

/**
 * Service files are made at once, since making them is what finds their faults: there is no first file before. Message
 * files, which are far larger, are made one by one as the response is read.
 */
async function generate(request: Request, readFile: ReadFile): Promise<Iterable<GeneratedFile>> {
  const options = parseOptions(request.parameter);
  const all = request.withImports(request.filesToGenerate);
  for (const file of all) requireKnownEdition(file);
  requireUsed(options.mapping, all);
  const library = libraries[options.messages](options, request);
  await library.check(all);
  // In the order of their names, whatever the order of the request.
  const toGenerate = [...request.filesToGenerate].sort((a, b) => (a.name < b.name ? -1 : 1));
  const models = withWanted(
    toGenerate.map((file) => request.readModel(file)).filter(({ services }) => services.length > 0),
    options.services,
  );
  requireDistinct(outputs(models, toGenerate, all, library.modules, options));
  const services = (await withEmbedded(await withDefaults(models, options, readFile), options, request)).flatMap(
    (model) => {
      const file = emitServiceFile(model, library.bind(model), options);
      return options.mock === "on" ? [file, emitMockFile(model, library.bind(model), options)] : [file];
    },
  );
  const messages = options.emit === "all" ? await library.generate() : [];
  const files = concat(services, messages);
  if (options.index === "none") return files;
  return withIndexes(files, {
    indexed: [
      // Messages first, so that they keep their names whatever services are called.
      ...toGenerate.map(({ name }) => `${library.modules.path(name)}.ts`),
      ...models.map(({ name }) => serviceFileName(name)),
    ],
    inEveryFile: library.inEveryFile,
    importExtension: options.importExtension,
  });
}

/** With what a service config says of their methods. */
async function withDefaults(
  models: readonly FileModel[],
  { serviceConfig }: Options,
  readFile: ReadFile,
): Promise<readonly FileModel[]> {
  if (serviceConfig === undefined) return models;
  const { withServiceConfig } = await import("./service-config.js");
  return withServiceConfig(models, serviceConfig, readFile);
}

/** With what their tables are to carry of the protos. */
async function withEmbedded(
  models: readonly FileModel[],
  { descriptors, options }: Options,
  request: Request,
): Promise<readonly FileModel[]> {
  let all = models;
  if (descriptors === "embed") all = (await import("./descriptors.js")).withDescriptorSets(all, request);
  if (options === "embed") all = (await import("./embedded-options.js")).withEmbeddedOptions(all, request);
  return all;
}

const libraries: {
  readonly [Name in Options["messages"]]: (options: Options, request: Request) => MessageLibrary;
} = {
  "ts-proto": createTsProtoLibrary,
  "protobuf-es": createProtobufEsLibrary,
};

/** The files that there will be, each with what it is made from. */
function* outputs(
  models: readonly FileModel[],
  toGenerate: readonly ProtoFile[],
  all: readonly ProtoFile[],
  modules: MessageModules,
  { mock, index }: Options,
): Iterable<readonly [output: string, proto: string]> {
  for (const { name } of models) {
    yield [serviceFileName(name), name];
    if (mock === "on") yield [mockFileName(name), name];
  }
  // Whether messages come from here or from another plugin.
  for (const { name } of all) {
    if (modules.packaged(name) === undefined) yield [`${modules.path(name)}.ts`, name];
  }
  if (index === "none") return;
  for (const output of new Set(toGenerate.map(({ name }) => indexFileName(name)))) yield [output, "index=package"];
}

/**
 * With ts-proto, `a.proto` with services and `a_grpc.proto` would both become a_grpc.ts, and compilers keep one, or
 * append, or fail.
 */
function requireDistinct(all: Iterable<readonly [output: string, proto: string]>): void {
  const protoByOutput = new Map<string, string>();
  for (const [output, proto] of all) {
    const other = protoByOutput.get(output);
    if (other !== undefined) {
      throw new PluginError(`is the output of ${other} and of ${proto}`, {
        file: output,
        hint: "rename one of the protos",
      });
    }
    protoByOutput.set(output, proto);
  }
}

function* concat<T>(...all: readonly Iterable<T>[]): Iterable<T> {
  for (const some of all) yield* some;
}

// Field numbers of google.protobuf.compiler.CodeGeneratorResponse and its File, shifted to make tags.
const errorTag = (1 << 3) | 2;
const supportedFeaturesTag = 2 << 3;
const minimumEditionTag = 3 << 3;
const maximumEditionTag = 4 << 3;
const fileTag = (15 << 3) | 2;
const nameTag = (1 << 3) | 2;
const contentTag = (15 << 3) | 2;

/** FEATURE_PROTO3_OPTIONAL and FEATURE_SUPPORTS_EDITIONS. */
const supportedFeatures = 1 | 2;

function features(): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(supportedFeaturesTag).uint64(supportedFeatures);
  writer.uint32(minimumEditionTag).int32(minimumEdition);
  writer.uint32(maximumEditionTag).int32(maximumEdition);
  return writer.finish();
}

function fileField({ name, content }: GeneratedFile): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(fileTag).fork();
  writer.uint32(nameTag).string(name);
  writer.uint32(contentTag).string(content);
  return writer.join().finish();
}
