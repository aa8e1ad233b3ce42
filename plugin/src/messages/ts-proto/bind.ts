/** Where the types of a service file come from when ts-proto makes the messages. */
import { posix } from "node:path";
import type { FileModel, MessageRef } from "../../model.js";
import type { Options } from "../../options.js";
import { importType, importValue, type Printable, runtimePackage } from "../../printer.js";
import type { MessageBinding } from "../binding.js";
import { messageName, modulePath } from "./names.js";

/**
 * The binding of one file: modules are named relative to it.
 *
 * Every module of ts-proto exports a `DeepPartial` of its own, all alike. One is enough for a file, so it takes that of
 * the first message that the file mentions.
 */
export function bindTsProto(file: FileModel, { tsProto, importExtension, requests }: Options): MessageBinding {
  const extension = importExtension === "none" ? "" : `.${importExtension}`;
  const directory = posix.dirname(file.name);
  const moduleOf = (message: MessageRef): string => {
    const path = posix.relative(directory, modulePath(message.file, tsProto)) + extension;
    return path.startsWith("../") ? path : `./${path}`;
  };
  const type = (message: MessageRef): Printable => importType(messageName(message, tsProto), moduleOf(message));
  const firstMessage = file.services.flatMap((service) => service.methods)[0]?.request;

  return {
    type,
    init: (message) =>
      requests === "full"
        ? type(message)
        : [importType("DeepPartial", moduleOf(firstMessage ?? message)), "<", type(message), ">"],
    codec: (message) => [
      "/* @__PURE__ */ ",
      importValue(requests === "full" ? "tsProtoFull" : "tsProto", `${runtimePackage}/ts-proto`),
      `(${JSON.stringify(message.typeName)}, `,
      importValue(messageName(message, tsProto), moduleOf(message)),
      ")",
    ],
  };
}
