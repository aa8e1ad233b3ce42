/** Emits the files of a proto file's services. */
import { clientNames, emitClient } from "./emitters/client.js";
import { clientDescNames, emitClientDesc } from "./emitters/client-desc.js";
import { descriptorsNames, emitDescriptors } from "./emitters/descriptors.js";
import { emitHandlers, handlersNames } from "./emitters/handlers.js";
import type { ServiceScope } from "./emitters/holes.js";
import { emitMock, mockNames as mockTemplateNames } from "./emitters/mock.js";
import { emitOptions, optionsNames } from "./emitters/options.js";
import { emitServer, serverNames } from "./emitters/server.js";
import { emitServiceDesc, serviceDescNames } from "./emitters/service-desc.js";
import type { MessageBinding } from "./messages/binding.js";
import { siblingSpecifier } from "./messages/modules.js";
import type { FileModel } from "./model.js";
import {
  descriptorSetName,
  fileServiceNames,
  type MockNames,
  mockFileName,
  mockNames,
  reservedWords,
  type ServiceNames,
  serviceFileName,
} from "./names.js";
import type { Options } from "./options.js";
import { docComment, importValue, Printer, runtimePackage } from "./printer.js";
import { serviceScope } from "./scope.js";

/** What the emitted code needs of the runtime. To be raised when a template needs what older runtimes do not have. */
const contract = 1;
const requireContract = importValue("requireContract", runtimePackage);

/** The options that files depend on, beside where messages come from. */
export type EmitOptions = Pick<
  Options,
  "runtimeImport" | "importExtension" | "client" | "server" | "handlers" | "descriptors" | "options"
>;

/** What one template prints of a service, where the options want it. */
interface Section {
  readonly emit: (p: Printer, s: ServiceScope) => void;
  /** What its text uses without an import. */
  readonly names: readonly string[];
  readonly isWanted: (options: EmitOptions) => boolean;
}

/** In the order in which a file has them: what changes a table while the file is loaded stands below it. */
const sections: readonly Section[] = [
  { emit: emitClient, names: clientNames, isWanted: ({ client }) => client === "on" },
  { emit: emitServer, names: serverNames, isWanted: ({ server }) => server === "on" },
  {
    emit: emitHandlers,
    names: handlersNames,
    isWanted: ({ handlers }) => handlers === "on",
  },
  { emit: emitServiceDesc, names: serviceDescNames, isWanted: ({ server }) => server === "on" },
  { emit: emitClientDesc, names: clientDescNames, isWanted: ({ server }) => server === "off" },
  {
    emit: emitDescriptors,
    names: [...descriptorsNames, descriptorSetName],
    isWanted: ({ descriptors }) => descriptors === "embed",
  },
  { emit: emitOptions, names: optionsNames, isWanted: ({ options }) => options === "embed" },
];

/** A generated file. */
export interface EmittedFile {
  /** Path, beside the files of the messages: `demo/v1/greeter_grpc.ts`. */
  readonly name: string;
  readonly content: string;
}

/** Emits the services of a proto file, which has one at least. Throws a PluginError where a name is impossible. */
export function emitServiceFile(file: FileModel, binding: MessageBinding, options: EmitOptions): EmittedFile {
  const names = fileServiceNames(file);
  const wanted = sections.filter(({ isWanted }) => isWanted(options));
  const p = createPrinter(wanted, names, options);
  p.line`${requireContract}(${String(contract)});`;
  if (file.descriptorSet !== undefined) {
    p.line``;
    p.line`/** This file and all that it imports: a google.protobuf.FileDescriptorSet, encoded, in base64. */`;
    p.line`const ${descriptorSetName}: string = "${Buffer.from(file.descriptorSet).toString("base64")}";`;
  }
  file.services.forEach((service, i) => {
    const scope = serviceScope(file, service, names[i]!, binding);
    for (const { emit } of wanted) {
      p.line``;
      emit(p, scope);
    }
  });
  return { name: serviceFileName(file.name), content: finish(p, file) };
}

/** Emits the mocks of a proto file's clients, which import its tables. */
export function emitMockFile(file: FileModel, binding: MessageBinding, options: EmitOptions): EmittedFile {
  const names = fileServiceNames(file);
  const mocks = file.services.map((service) => mockNames(service));
  const p = createPrinter([{ names: mockTemplateNames }], mocks, options);
  const services = siblingSpecifier(serviceFileName(file.name), options.importExtension);
  p.line`${requireContract}(${String(contract)});`;
  file.services.forEach((service, i) => {
    const $ServiceDesc = importValue(names[i]!.desc, services);
    p.line``;
    emitMock(p, { ...serviceScope(file, service, names[i]!, binding), $ServiceDesc });
  });
  return { name: mockFileName(file.name), content: finish(p, file) };
}

/** No import may take the names that the file declares, nor those that its text uses without an import. */
function createPrinter(
  templates: readonly Pick<Section, "names">[],
  declared: readonly (ServiceNames | MockNames)[],
  { runtimeImport }: EmitOptions,
): Printer {
  const used = templates.flatMap(({ names }) => names);
  const own = declared.flatMap((names): string[] => Object.values(names));
  return new Printer({ taken: [...reservedWords, ...used, ...own], runtimeImport });
}

function finish(p: Printer, { name, doc }: FileModel): string {
  const { imports, body } = p.finish();
  const comment = docComment(doc, { deprecated: false, indent: "" });
  return `// Generated by protoc-gen-ts (Trunkline) from ${name}. Do not edit.
/* eslint-disable */

${comment && `${comment}\n`}${imports}\n${body}`;
}
