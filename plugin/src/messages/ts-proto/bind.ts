/** Where the types of a service file come from when ts-proto makes the messages. */
import type { FileModel, MessageRef } from "../../model.js";
import type { Options } from "../../options.js";
import { importType, importValue, type Printable, runtimePackage } from "../../printer.js";
import type { MessageBinding } from "../binding.js";
import type { MessageModules } from "../modules.js";
import { messageName } from "./names.js";

/**
 * The binding of one file: modules are named relative to it.
 *
 * Every module of ts-proto exports a `DeepPartial` of its own, all alike. One is enough for a file, so it takes that of
 * the first message that the file mentions. Packages come last: what puts modules together, as their entries do, leaves
 * out a name that two modules export.
 */
export function bindTsProto(
  file: FileModel,
  modules: MessageModules,
  { tsProto, requests }: Pick<Options, "tsProto" | "requests">,
): MessageBinding {
  const moduleOf = (message: MessageRef): string => modules.specifier(message.file, file.name);
  const type = (message: MessageRef): Printable => importType(messageName(message, tsProto), moduleOf(message));
  const messages = file.services.flatMap(({ methods }) =>
    methods.flatMap(({ request, response }) => [request, response]),
  );
  const first = messages.find((message) => modules.packaged(message.file) === undefined) ?? messages[0];

  return {
    type,
    init: (message) =>
      requests === "full"
        ? type(message)
        : [importType("DeepPartial", moduleOf(first ?? message)), "<", type(message), ">"],
    codec: (message) => [
      "/* @__PURE__ */ ",
      importValue(requests === "full" ? "tsProtoFull" : "tsProto", `${runtimePackage}/ts-proto`),
      `(${JSON.stringify(message.typeName)}, `,
      importValue(messageName(message, tsProto), moduleOf(message)),
      ")",
    ],
  };
}
