/** From the model to the values that fill the holes of the templates. */
import type { MethodScope, ServiceScope } from "./emitters/holes.js";
import type { MessageBinding } from "./messages/binding.js";
import type { AttemptPolicy, FileModel, MethodDefaults, MethodModel, ServiceModel, StatusCode } from "./model.js";
import { descriptorSetName, methodNames, mockNames, type ServiceNames } from "./names.js";
import { stringLiteral } from "./printer.js";

/** What the templates print of a service. */
export function serviceScope(
  file: FileModel,
  service: ServiceModel,
  names: ServiceNames,
  binding: MessageBinding,
): ServiceScope {
  const localNames = methodNames(file, service);
  const mock = mockNames(service);
  return {
    $ServiceDesc: names.desc,
    $ServiceClient: names.client,
    $serviceClient: names.createClient,
    $sharedServiceClient: names.sharedClient,
    $ServiceServer: names.server,
    $UnimplementedServiceServer: names.unimplementedServer,
    $serviceHandlers: names.handlers,
    $registerServiceServer: names.registerServer,
    $serviceDescriptors: names.descriptors,
    $descriptorSet: descriptorSetName,
    $serviceOptions: names.options,
    $optionsOfService: base64(service.options),
    $MockServiceClient: mock.client,
    $mockServiceClient: mock.createClient,
    $serviceName: service.typeName,
    $fileName: file.name,
    // `option deprecated` of a file speaks of everything in it (descriptor.proto, FileOptions.deprecated).
    $serviceDoc: { doc: service.doc, deprecated: service.deprecated || file.deprecated },
    methods: service.methods.map((method, i) => methodScope(service, method, localNames[i] ?? method.name, binding)),
  };
}

function methodScope(
  service: ServiceModel,
  method: MethodModel,
  localName: string,
  binding: MessageBinding,
): MethodScope {
  return {
    kind: method.kind,
    $method: localName,
    $methodName: method.name,
    $path: `/${service.typeName}/${method.name}`,
    $methodDoc: { doc: method.doc, deprecated: method.deprecated },
    $Request: binding.type(method.request),
    $RequestInit: binding.init(method.request),
    $Response: binding.type(method.response),
    $ResponseInit: binding.init(method.response),
    $requestCodec: binding.codec(method.request),
    $responseCodec: binding.codec(method.response),
    $idempotency: stringLiteral(method.idempotency),
    $defaults: literal(method.defaults ?? {}, "      "),
    $optionsOfMethod: base64(method.options),
  };
}

function base64(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString("base64");
}

/**
 * An object of a table entry, a field a line. Status codes are numbers with their names in comments: a property that is
 * read while the file is loaded, as `Code.UNAVAILABLE` would be, keeps a bundler from dropping a table that nobody uses.
 */
function literal(object: MethodDefaults | AttemptPolicy, indent: string): string {
  const fields = Object.entries(object).map(([name, value]: [string, MethodDefault]) => {
    if (typeof value === "number") return `${name}: ${value}`;
    if ("maxAttempts" in value) return `${name}: ${literal(value, `${indent}  `)}`;
    return `${name}: [${value.map((code) => `${code.number} /* ${code.name} */`).join(", ")}]`;
  });
  return fields.length === 0 ? "{}" : `{\n${fields.map((field) => `${indent}  ${field},\n`).join("")}${indent}}`;
}

type MethodDefault = number | readonly StatusCode[] | AttemptPolicy;
