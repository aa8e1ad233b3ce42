/** Models as read-model.ts would make them, and a binding that invents its messages. */
import type { MessageBinding } from "../../plugin/src/messages/binding.js";
import type { FileModel, MessageRef, MethodModel, ServiceModel } from "../../plugin/src/model.js";
import { importType, importValue } from "../../plugin/src/printer.js";

export const noDoc = { detached: [], leading: "", trailing: "" };

export function message(name: string): MessageRef {
  return { typeName: `demo.${name}`, file: "demo.proto", package: "demo" };
}

export function method(name: string, more: Partial<MethodModel> = {}): MethodModel {
  return {
    name,
    kind: "unary",
    request: message("HelloRequest"),
    response: message("HelloReply"),
    idempotency: "unknown",
    doc: noDoc,
    deprecated: false,
    ...more,
  };
}

export function service(name: string, methods: readonly MethodModel[], more: Partial<ServiceModel> = {}): ServiceModel {
  return { name, typeName: `demo.${name}`, doc: noDoc, deprecated: false, methods, ...more };
}

export function file(services: readonly ServiceModel[], more: Partial<FileModel> = {}): FileModel {
  return { name: "demo.proto", package: "demo", deprecated: false, doc: noDoc, services, ...more };
}

const nameOf = ({ typeName }: MessageRef) => typeName.slice(typeName.lastIndexOf(".") + 1);

/** Finds all messages in `./demo.js`, and their codecs under the same names. */
export const fakeBinding: MessageBinding = {
  type: (ref) => importType(nameOf(ref), "./demo.js"),
  init: (ref) => ["Partial<", importType(nameOf(ref), "./demo.js"), ">"],
  codec: (ref) => importValue(nameOf(ref), "./demo.js"),
};
