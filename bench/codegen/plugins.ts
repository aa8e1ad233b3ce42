/** The plugins that are measured: the program that a package ships, with the parameter that its users give. */
import { fileURLToPath } from "node:url";
import { libraries, protocGenEs, trunklinePlugin, tsProtoPlugin, tsProtoWithImports } from "./names.js";

export interface Plugin {
  readonly name: string;
  readonly program: string;
  readonly parameter: string;
  /** The same where each directory is a run of its own, if it is another. */
  readonly directoryParameter?: string;
  /** Emits services alone: what the peers have no mode for. */
  readonly servicesOnly: boolean;
  /** Takes part only where each directory is a run of its own. */
  readonly directoriesOnly?: boolean;
}

/** From dist/codegen. */
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

const ours = path("../plugin/bin/protoc-gen-ts.js");

const trunkline = libraries.flatMap((messages): Plugin[] => [
  {
    name: trunklinePlugin("services", messages),
    program: ours,
    parameter: `emit=services,messages=${messages}`,
    servicesOnly: true,
  },
  {
    name: trunklinePlugin("all", messages),
    program: ours,
    parameter: `messages=${messages}`,
    servicesOnly: false,
  },
]);

const tsProto = path("node_modules/ts-proto/protoc-gen-ts_proto");

export const plugins: readonly Plugin[] = [
  {
    name: tsProtoPlugin,
    program: tsProto,
    parameter: "outputServices=grpc-js,esModuleInterop=true",
    // It would emit what a directory imports again with each that does, as trunkline has to.
    directoryParameter: "outputServices=grpc-js,esModuleInterop=true,emitImportedFiles=false",
    servicesOnly: false,
  },
  {
    name: tsProtoWithImports,
    program: tsProto,
    parameter: "outputServices=grpc-js,esModuleInterop=true",
    servicesOnly: false,
    directoriesOnly: true,
  },
  {
    name: protocGenEs,
    program: path("node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es"),
    parameter: "target=ts",
    servicesOnly: false,
  },
  {
    name: "@protobuf-ts/plugin",
    program: path("node_modules/@protobuf-ts/plugin/bin/protoc-gen-ts"),
    parameter: "long_type_bigint",
    servicesOnly: false,
  },
  ...trunkline,
];
