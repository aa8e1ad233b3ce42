/** Names of plugins and cases that targets speak of too. */

export const libraries = ["ts-proto", "protobuf-es"] as const;
export type Library = (typeof libraries)[number];

export const tsProtoPlugin = "ts-proto";
/** The same where each directory is a run: by default it emits what a directory imports, as trunkline has to. */
export const tsProtoWithImports = `${tsProtoPlugin}, with imports`;
export const protocGenEs = "protoc-gen-es";

export function trunklinePlugin(emit: "services" | "all", messages: Library): string {
  return `trunkline emit=${emit}, ${messages}`;
}

export const caseNames = {
  everything: "all Google APIs in one request, services",
  largeFile: "2,000 messages and 1,000 rpcs in one file beside twice as many, services",
  manyFiles: "1,000 files beside 2,000, services",
  directories: "all Google APIs by directory",
  typeCheck: (library: Library) => `tsc on four Google APIs, ${library}`,
};

/** Of the cases in which tsc runs: what is compared with what. */
export const typeCheckNames = { messages: "messages alone", services: "messages and trunkline's services" };
