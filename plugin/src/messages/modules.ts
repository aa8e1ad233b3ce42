/** Which module has the messages of a proto, and how a generated file names that module. */
import { posix } from "node:path";
import { PluginError } from "../errors.js";
import type { Options } from "../options.js";
import type { ProtoFile } from "../read-model.js";

/** What `M` says: a proto (`a/b.proto`) or a prefix of protos (`a/`), to the module or the prefix of modules. */
export type Mapping = ReadonlyMap<string, string>;

/** The modules of one message library. */
export interface MessageModules {
  /** The module that has a proto's messages already; undefined where they are a generated file. */
  packaged(protoFile: string): string | undefined;
  /** The path of a proto's generated module, without an extension: `demo/v1/greeter_pb`. */
  path(protoFile: string): string;
  /** How a file beside `user`, a proto, imports the messages of `protoFile`. */
  specifier(protoFile: string, user: string): string;
}

/** `path` is the library's naming of modules, `wellKnown` where it brings messages itself. */
export function messageModules(
  { mapping, importExtension }: Pick<Options, "mapping" | "importExtension">,
  path: (protoFile: string) => string,
  wellKnown: (protoFile: string) => string | undefined = () => undefined,
): MessageModules {
  const extension = extensionOf(importExtension);

  /** Packages hold JavaScript, whatever the extension is that TypeScript's own files are imported with. */
  const belowPrefix = (protoFile: string): string | undefined => {
    const prefix = mappedPrefix(protoFile, mapping);
    if (prefix === undefined) return undefined;
    return mapping.get(prefix) + path(protoFile).slice(prefix.length) + (extension && ".js");
  };
  const packaged = (protoFile: string) => mapping.get(protoFile) ?? wellKnown(protoFile) ?? belowPrefix(protoFile);

  return {
    packaged,
    path,
    specifier(protoFile, user) {
      const module = packaged(protoFile);
      if (module !== undefined) return module;
      const relative = posix.relative(posix.dirname(user), path(protoFile)) + extension;
      return relative.startsWith("../") ? relative : `./${relative}`;
    },
  };
}

/** How a generated file imports another one of its directory, by the path of that: `./greeter_grpc.js`. */
export function siblingSpecifier(path: string, importExtension: Options["importExtension"]): string {
  return `./${posix.basename(path, ".ts")}${extensionOf(importExtension)}`;
}

function extensionOf(importExtension: Options["importExtension"]): string {
  return importExtension === "none" ? "" : `.${importExtension}`;
}

/** The longest prefix that `mapping` has of a proto. */
function mappedPrefix(protoFile: string, mapping: Mapping): string | undefined {
  if (mapping.size === 0) return undefined;
  for (let end = protoFile.lastIndexOf("/"); end > 0; end = protoFile.lastIndexOf("/", end - 1)) {
    const prefix = protoFile.slice(0, end + 1);
    if (mapping.has(prefix)) return prefix;
  }
  return undefined;
}

/** Throws a {@link PluginError} for an `M` that says nothing of any of these files: most likely it is misspelt. */
export function requireUsed(mapping: Mapping, files: readonly ProtoFile[]): void {
  const used = new Set(files.map(({ name }) => (mapping.has(name) ? name : mappedPrefix(name, mapping))));
  for (const key of mapping.keys()) {
    if (used.has(key)) continue;
    throw new PluginError(`option M${key} maps no proto of this request`, {
      hint: "remove it; with buf, which asks for each directory by itself, write strategy: all",
    });
  }
}
