/** `messages=protobuf-es`: types and schemas of @bufbuild/protoc-gen-es, whose own generator runs in this process. */
import { PluginError } from "../errors.js";
import type { Options } from "../options.js";
import { editionName, type Request } from "../read-model.js";
import { requireDeclaredNames } from "./declared-names.js";
import { type MessageLibrary, withGenerator } from "./library.js";
import { messageModules } from "./modules.js";
import { ProtobufEsBinder } from "./protobuf-es/bind.js";
import { modulePath } from "./protobuf-es/names.js";
import { wellKnownModule } from "./protobuf-es/well-known.js";

/** Loads nothing of protoc-gen-es, and nothing of @bufbuild/protobuf but its wire format, before messages are generated. */
export function createProtobufEsLibrary(options: Options, request: Request): MessageLibrary {
  const modules = messageModules(options, modulePath, wellKnownModule);
  const binder = new ProtobufEsBinder(request, modules, options);
  return {
    modules,
    inEveryFile: new Set(),
    async check(files) {
      if (options.emit === "services") return;
      requireDeclaredNames(files.filter(({ name }) => modules.packaged(name) === undefined));
      for (const { name, edition } of files) {
        if (edition <= newestEdition || modules.packaged(name) !== undefined) continue;
        throw new PluginError(`uses edition ${editionName(edition)}, which protoc-gen-es ${version} does not know`, {
          file: name,
          hint: "use emit=services and run a newer protoc-gen-es by itself",
        });
      }
    },
    bind: (file) => binder.bind(file),
    async generate() {
      return withGenerator({ messages: "protobuf-es", package: "@bufbuild/protoc-gen-es", version }, async () => {
        const { generateMessages } = await import("./protobuf-es/generate.js");
        return generateMessages(request, options, modules);
      });
    },
  };
}

/** The version that plugin/package.json pins, and the newest edition that it knows. */
const version = "2.13.0";
const newestEdition = 1001;
