/** `messages=ts-proto`: types and codecs of ts-proto, whose own generator runs in this process. */
import type { Options } from "../options.js";
import type { Request } from "../read-model.js";
import { requireDeclaredNames } from "./declared-names.js";
import { type MessageLibrary, withGenerator } from "./library.js";
import { messageModules } from "./modules.js";
import { bindTsProto } from "./ts-proto/bind.js";
import { modulePath } from "./ts-proto/names.js";

/** Loads nothing of ts-proto before messages are generated, nor @bufbuild/protobuf before a file is to be checked. */
export function createTsProtoLibrary(options: Options, request: Request): MessageLibrary {
  const modules = messageModules(options, (protoFile) => modulePath(protoFile, options.tsProto));
  return {
    modules,
    inEveryFile,
    async check(files) {
      for (const file of files) modulePath(file.name, options.tsProto);
      if (options.emit === "all") {
        requireDeclaredNames(files.filter(({ name }) => modules.packaged(name) === undefined));
      }
      // A proto3 file can ask for nothing that ts-proto does not do.
      const others = files.filter((file) => file.edition !== proto3 && file.name !== descriptorProto);
      if (others.length === 0) return;
      const { checkLimits } = await import("./ts-proto/limits.js");
      checkLimits(others, request, options.tsProto);
    },
    bind: (file) => bindTsProto(file, modules, options),
    async generate() {
      return withGenerator({ messages: "ts-proto", package: "ts-proto", version }, async () => {
        const { generateMessages } = await import("./ts-proto/generate.js");
        return generateMessages(request, options, modules);
      });
    },
  };
}

const inEveryFile: ReadonlySet<string> = new Set([
  ...["protobufPackage", "protobufFileName", "DeepPartial", "Exact", "MessageFns"],
]);

/** The version that plugin/package.json pins. */
const version = "2.18.0";
const proto3 = 999;

/**
 * Nearly every API imports it for its options. Its two required fields are in UninterpretedOption, of which no
 * compiled descriptor has one, so it is not held to them.
 */
const descriptorProto = "google/protobuf/descriptor.proto";
