/** The options that go into tables with `options=embed`. Loaded only where the option is given. */
import { canonicalDescriptors } from "./messages/protobuf-es/canonical.js";
import type { FileModel } from "./model.js";
import type { Request } from "./read-model.js";
import { bytesField, eachField, nameOf } from "./walk.js";

/** The models, each with the options of its services and their methods: the same bytes whoever compiles them. */
export function withEmbeddedOptions(models: readonly FileModel[], request: Request): readonly FileModel[] {
  const fileOf = (model: FileModel) => request.files.get(model.name)!;
  const canonical = canonicalDescriptors(models.map(fileOf), request);
  return models.map((model) => {
    const serviceByName = byName(canonical.get(fileOf(model))!, servicesOfFile);
    return {
      ...model,
      services: model.services.map((service) => {
        const bytes = serviceByName.get(service.name)!;
        const methodByName = byName(bytes, methodsOfService);
        return {
          ...service,
          options: optionsIn(bytes, optionsOfService),
          methods: service.methods.map((method) => ({
            ...method,
            options: optionsIn(methodByName.get(method.name)!, optionsOfMethod),
          })),
        };
      }),
    };
  });
}

// Fields of FileDescriptorProto, ServiceDescriptorProto and MethodDescriptorProto.
const servicesOfFile = bytesField(6);
const methodsOfService = bytesField(2);
const optionsOfService = bytesField(3);
const optionsOfMethod = bytesField(4);

/** The declarations that a descriptor has in a field, which all have names. */
function byName(descriptor: Uint8Array, tag: number): Map<string, Uint8Array> {
  return new Map(fieldsOf(descriptor, tag).map((bytes) => [nameOf(bytes), bytes]));
}

/** Parts of a message that is there more than once are one message when they are put together. */
function optionsIn(descriptor: Uint8Array, tag: number): Uint8Array {
  return Buffer.concat(fieldsOf(descriptor, tag));
}

function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  eachField(message, (tag, reader) => {
    if (tag !== wanted) return false;
    found.push(reader.bytes());
    return true;
  });
  return found;
}
