/** How ts-proto names the modules and the types that it makes of protos: its rules, followed without loading it. */
import { PluginError } from "../../errors.js";
import type { MessageRef } from "../../model.js";
import type { PassedOptions } from "../passed-options.js";

/** `demo/v1/greeter`, or `demo/v1/greeter.pb` with `fileSuffix=.pb`: a module's path without an extension. */
export function modulePath(protoFile: string, options: PassedOptions): string {
  // ts-proto cuts the first `.proto` out of a path, wherever it is, and its own imports then miss the file.
  if (!protoFile.endsWith(".proto") || protoFile.indexOf(".proto") < protoFile.length - ".proto".length) {
    throw new PluginError("has a path in which ts-proto does not find the extension", {
      file: protoFile,
      hint: "let it end in .proto, and have no other .proto in it",
    });
  }
  return protoFile.slice(0, -".proto".length) + (options.get("fileSuffix") ?? "");
}

/** The interface, and the object beside it, that ts-proto makes of a message: `Outer_Inner`. */
export function messageName(message: MessageRef, options: PassedOptions): string {
  const scope = message.package === "" ? "" : `${message.package}.`;
  return typeName("message", message.typeName.slice(scope.length).split("."), options);
}

/** The same for a message or an enum whose names, from outside to inside, are `path`. */
export function typeName(kind: "message" | "enum", path: readonly string[], options: PassedOptions): string {
  const camel = camelsTypeNames(options) ? path.map(snakeToCamel) : path;
  const option = (name: string) => options.get(name) ?? "";
  const name =
    option("typePrefix") +
    option(`${kind}Prefix`) +
    camel.join(options.get("useSnakeTypeName") === "false" ? "" : "_") +
    option(`${kind}Suffix`) +
    option("typeSuffix");
  // The two globals that the generated code itself refers to by a name that a message may have.
  return name === "Date" || name === "Function" ? `${name}Message` : name;
}

/** `snakeToCamel=keys`, which is on by default, is about the names of types as well. */
function camelsTypeNames(options: PassedOptions): boolean {
  const value = options.get("snakeToCamel") ?? "true";
  return value === "true" || value.split("_").includes("keys");
}

/** The property of a message that a field or a oneof becomes. */
export function propertyName(name: string, options: PassedOptions): string {
  return camelsTypeNames(options) ? snakeToCamel(name) : name;
}

function snakeToCamel(name: string): string {
  if (!name.includes("_")) return name;
  const words = /[a-z]/.test(name) ? name.split("_") : name.toLowerCase().split("_");
  return words.map((word, i) => (i === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1))).join("");
}
