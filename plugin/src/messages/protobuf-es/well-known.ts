/** The protos whose messages @bufbuild/protobuf brings, and so nobody generates. */
const names: ReadonlySet<string> = new Set([
  "any",
  "api",
  "compiler/plugin",
  "cpp_features",
  "descriptor",
  "duration",
  "empty",
  "field_mask",
  "go_features",
  "java_features",
  "source_context",
  "struct",
  "timestamp",
  "type",
  "wrappers",
]);

const directory = "google/protobuf/";

/**
 * The module of a well-known proto. It holds for files to generate as well, where protoc-gen-es would make a second copy:
 * files would import that or the package, depending on what else a compiler asks for in the same request.
 */
export function wellKnownModule(protoFile: string): string | undefined {
  const isWellKnown =
    protoFile.startsWith(directory) &&
    protoFile.endsWith(".proto") &&
    names.has(protoFile.slice(directory.length, -".proto".length));
  return isWellKnown ? "@bufbuild/protobuf/wkt" : undefined;
}
