/** Where the types of a service file come from when protobuf-es makes the messages. */
import type { FileModel, MessageRef } from "../../model.js";
import type { Options } from "../../options.js";
import { type ImportSymbol, importType, importValue, type Printable, runtimePackage } from "../../printer.js";
import type { Request } from "../../read-model.js";
import type { MessageBinding } from "../binding.js";
import type { MessageModules } from "../modules.js";
import { fileNames } from "./names.js";
import { typesOf } from "./types.js";

/** What the module of a message exports for it. */
interface MessageNames {
  readonly shape: string;
  readonly schema: string;
}

/** Makes bindings of files; the names in a proto are worked out when one of its messages is first used. */
export class ProtobufEsBinder {
  readonly #request: Request;
  readonly #modules: MessageModules;
  readonly #requests: Options["requests"];
  readonly #namesByFile = new Map<string, ReadonlyMap<string, MessageNames>>();

  constructor(request: Request, modules: MessageModules, { requests }: Pick<Options, "requests">) {
    this.#request = request;
    this.#modules = modules;
    this.#requests = requests;
  }

  /** The binding of one file: modules are named relative to it. */
  bind(file: FileModel): MessageBinding {
    const moduleOf = (message: MessageRef) => this.#modules.specifier(message.file, file.name);
    const type = (message: MessageRef) => importType(this.#names(message).shape, moduleOf(message));
    const schema = (message: MessageRef): ImportSymbol => importValue(this.#names(message).schema, moduleOf(message));
    const init = (message: MessageRef): Printable => [
      importType("MessageInitShape", "@bufbuild/protobuf"),
      "<typeof ",
      schema(message),
      ">",
    ];
    return {
      type,
      init: this.#requests === "full" ? type : init,
      // One codec for both: `create` returns a message that is whole as it is.
      codec: (message) => [
        "/* @__PURE__ */ ",
        importValue("protobufEs", `${runtimePackage}/protobuf-es`),
        "(",
        schema(message),
        ")",
      ],
    };
  }

  #names({ file, package: packageName, typeName }: MessageRef): MessageNames {
    let names = this.#namesByFile.get(file);
    if (names === undefined) {
      names = messageNames(this.#request, file);
      this.#namesByFile.set(file, names);
    }
    const path = packageName === "" ? typeName : typeName.slice(packageName.length + 1);
    // A message that was found in the file is among its types, unless a hostile descriptor uses the entry of a map.
    const stem = path.replaceAll(".", "_");
    return names.get(path) ?? { shape: stem, schema: `${stem}Schema` };
  }
}

function messageNames(request: Request, protoFile: string): ReadonlyMap<string, MessageNames> {
  const file = request.files.get(protoFile);
  const types = file === undefined ? [] : typesOf(file);
  const { shape, desc } = fileNames(protoFile, types);
  const names = new Map<string, MessageNames>();
  types.forEach(({ kind, path }, i) => {
    if (kind === "message") names.set(path, { shape: shape[i]!, schema: desc[i]! });
  });
  return names;
}
