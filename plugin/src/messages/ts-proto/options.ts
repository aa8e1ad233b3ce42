/** ts-proto's own options, and which of them the services cannot live with. Holds for ts-proto 2.18.0. */
import { only, type PassedOptions, type PassedOptionsSpec, type Values } from "../passed-options.js";

const flag = ["true", "false"];
const text = /^/;
/** What can be part of a TypeScript name. */
const nameSegment = /^\w*$/;
/** What a name can begin with. */
const namePrefix = /^([A-Za-z_]\w*)?$/;

/** Every option of ts-proto but `M`, which is an option of ours. */
export const tsProtoOptionValues: { readonly [name: string]: Values } = {
  addGrpcMetadata: flag,
  addNestjsRestParameter: flag,
  annotateFilesWithVersion: flag,
  anyType: ["@type", "typeUrl"],
  bigIntLiteral: flag,
  comments: flag,
  constEnums: flag,
  context: flag,
  disableProto2DefaultValues: flag,
  disableProto2Optionals: flag,
  emitDefaultValues: ["json-methods"],
  emitImportedFiles: flag,
  enumPrefix: namePrefix,
  enumsAsLiterals: flag,
  enumSuffix: nameSegment,
  env: ["node", "browser", "both"],
  esModuleInterop: flag,
  exportCommonSymbols: flag,
  fileSuffix: /^[\w.-]*$/,
  forceLong: ["number", "long", "string", "bigint", "true"],
  globalThisPolyfill: flag,
  importSuffix: text,
  initializeFieldsAsUndefined: flag,
  lowerCaseServiceMethods: flag,
  messagePrefix: namePrefix,
  messageSuffix: nameSegment,
  metadataType: text,
  nestJs: flag,
  noDefaultsForOptionals: flag,
  oneof: ["properties", "unions", "unions-value"],
  onlyTypes: flag,
  outputClientImpl: [...flag, "grpc-web"],
  outputDecodeIncludeTypes: text,
  outputEncodeIncludeTypes: text,
  outputEncodeMethods: [...flag, "encode-only", "decode-only", "encode-no-creation"],
  outputExtensions: flag,
  outputIndex: flag,
  outputJsonMethods: [...flag, "to-only", "from-only"],
  outputPartialMethods: flag,
  outputSchema: [...flag, "no-file-descriptor", "const"],
  outputServices: ["none", "false", "default", "grpc-js", "nice-grpc", "generic-definitions"],
  outputTypeAnnotations: [...flag, "static-only", "optional"],
  outputTypeRegistry: flag,
  protoJsonFormat: flag,
  removeEnumPrefix: flag,
  returnObservable: flag,
  rpcAfterResponse: flag,
  rpcBeforeRequest: flag,
  rpcErrorHandler: flag,
  snakeToCamel: [...flag, "json", "keys", "keys_json", "json_keys"],
  stringEnums: flag,
  typePrefix: namePrefix,
  typeSuffix: nameSegment,
  unknownFields: flag,
  unrecognizedEnum: flag,
  unrecognizedEnumName: /^[A-Za-z_]\w*$/,
  unrecognizedEnumValue: /^-?\d+$/,
  useAbortSignal: flag,
  useAsyncIterable: flag,
  useContextDataloaders: flag,
  useDate: [...flag, "date", "string", "string-nano", "temporal", "timestamp"],
  useDuration: ["duration", "string"],
  useExactTypes: flag,
  useJsonName: flag,
  useJsonTimestamp: ["rfc3339", "raw"],
  useJsonWireFormat: flag,
  useJsTypeOverride: flag,
  useMapType: flag,
  useMongoObjectId: flag,
  useNestjsFqnServiceName: flag,
  useNullAsOptional: flag,
  useNumericEnumForJson: flag,
  useOptionals: [...flag, "none", "deprecatedOnly", "messages", "all"],
  usePrototypeForDefaults: flag,
  useReadonlyTypes: flag,
  useSnakeTypeName: flag,
  useUnknownForValue: flag,
};

const codecReason = "services encode and decode every message";
const partialReason = "services take partial messages; use requests=full with it";
const servicesReason = "services are what this plugin emits";
const otherFilesReason = "every directory that buf generates by itself would write its own copy of that file";

export const tsProtoSpec: PassedOptionsSpec = {
  prefix: "ts_proto.",
  generator: "ts-proto",
  values: tsProtoOptionValues,
  refusals: [
    { name: "outputServices", allowed: only("none", "false"), reason: servicesReason },
    { name: "nestJs", allowed: only("false"), reason: servicesReason },
    { name: "rpcBeforeRequest", allowed: only("false"), reason: servicesReason },
    { name: "rpcAfterResponse", allowed: only("false"), reason: servicesReason },
    { name: "rpcErrorHandler", allowed: only("false"), reason: servicesReason },
    { name: "onlyTypes", allowed: only("false"), reason: codecReason },
    { name: "useJsonWireFormat", allowed: only("false"), reason: codecReason },
    { name: "outputEncodeMethods", allowed: only("true"), reason: codecReason },
    { name: "outputEncodeIncludeTypes", allowed: only(""), reason: codecReason },
    { name: "outputDecodeIncludeTypes", allowed: only(""), reason: codecReason },
    { name: "outputPartialMethods", allowed: only("true"), requests: "partial", reason: partialReason },
    { name: "exportCommonSymbols", allowed: only("true"), requests: "partial", reason: partialReason },
    {
      name: "useExactTypes",
      allowed: only("false"),
      reason: "its recursive types can take minutes to check",
    },
    { name: "outputIndex", allowed: only("false"), reason: otherFilesReason },
    { name: "outputTypeRegistry", allowed: only("false"), reason: otherFilesReason },
    { name: "importSuffix", allowed: () => false, reason: "use import_extension, which holds for services too" },
    {
      name: "fileSuffix",
      allowed: (value) => !value.endsWith("_grpc"),
      reason: "files of services end in _grpc",
    },
  ],
};

/**
 * The parameter to hand to ts-proto: our defaults, then what the user set.
 *
 * With `useDate=false` a Timestamp field stays the message, so that its nanoseconds survive; bigint does the same for
 * 64-bit integers. `oneof=unions-value` lets the compiler see that only one is set.
 */
export function tsProtoParameter(options: PassedOptions, importSuffix: string): string {
  const all = new Map([...tsProtoDefaults, ...options, ["importSuffix", importSuffix]]);
  const useOptionals = all.get("useOptionals");
  // ts-proto still takes the booleans of its past, with a warning on stderr for each file.
  if (useOptionals === "true") all.set("useOptionals", "messages");
  if (useOptionals === "false") all.set("useOptionals", "none");
  return [...all].map(([name, value]) => `${name}=${value}`).join(",");
}

/**
 * Where we differ from ts-proto's own defaults. Enums are constant objects, used as TypeScript's own enums are: those
 * do not pass `erasableSyntaxOnly`, and so do not run where types are only stripped.
 */
export const tsProtoDefaults: PassedOptions = new Map([
  ["enumsAsLiterals", "true"],
  ["forceLong", "bigint"],
  ["oneof", "unions-value"],
  ["useDate", "false"],
  ["useExactTypes", "false"],
  ["esModuleInterop", "true"],
  ["annotateFilesWithVersion", "false"],
  ["outputServices", "none"],
]);
