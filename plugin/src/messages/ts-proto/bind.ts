/** Where the types of a service file come from when ts-proto makes the messages. */
import { PluginError } from "../../errors.js";
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
  const nameOf = (message: MessageRef): string => {
    const name = messageName(message, tsProto);
    if (/^[A-Za-z_$]/.test(name)) return name;
    // Nobody can import that, whoever generates the messages.
    throw new PluginError(`would be called ${JSON.stringify(name)} by ts-proto, which is no name`, {
      file: message.file,
      symbol: message.typeName,
      hint: "rename it, or use messages=protobuf-es",
    });
  };
  const type = (message: MessageRef): Printable => importType(nameOf(message), moduleOf(message));
  const messages = file.services.flatMap(({ methods }) =>
    methods.flatMap(({ request, response }) => [request, response]),
  );
  const first = messages.find((message) => modules.packaged(message.file) === undefined) ?? messages[0];

  const init = (message: MessageRef): Printable =>
    requests === "full"
      ? type(message)
      : [importType("DeepPartial", moduleOf(first ?? message)), "<", type(message), ">"];

  return {
    type,
    init,
    codec: (message) => {
      const create = importValue(requests === "full" ? "tsProtoFull" : "tsProto", `${runtimePackage}/ts-proto`);
      const name = importValue(nameOf(message), moduleOf(message));
      // Types are spelt out: those that tsc infers do not fit where messages were made with useExactTypes.
      const types = requests === "full" ? [type(message)] : [init(message), ", ", type(message)];
      return ["/* @__PURE__ */ ", create, "<", types, `>(${JSON.stringify(message.typeName)}, `, name, ")"];
    },
  };
}
