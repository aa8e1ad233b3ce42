/** Options of protoc-gen-es, and which of them the services cannot live with. Holds for protoc-gen-es 2.13.0. */
import { only, type PassedOptions, type PassedOptionsSpec } from "../passed-options.js";

const flag = ["true", "false", "1", "0"];
const useM = "use MPROTO=MODULE, which holds for services too";
const noJavaScript = "services are TypeScript; compile what is generated to have JavaScript";

export const protobufEsSpec: PassedOptionsSpec = {
  prefix: "protobuf_es.",
  generator: "protoc-gen-es",
  values: {
    bootstrap_wkt: flag,
    elide_plugin_version: flag,
    erasable_syntax: flag,
    import_extension: /^/,
    js_import_style: ["module", "legacy_commonjs"],
    json_types: flag,
    keep_empty_files: flag,
    // Of versions newer than the one in use.
    map_imports: /^/,
    rewrite_imports: /^/,
    target: /^(js|ts|dts)(\+(js|ts|dts))*$/,
    ts_nocheck: flag,
    valid_types: /^(protovalidate|legacy)_required(\+(protovalidate|legacy)_required)*$/,
  },
  refusals: [
    { name: "target", allowed: only("ts"), reason: noJavaScript },
    { name: "js_import_style", allowed: only("module"), reason: noJavaScript },
    { name: "import_extension", allowed: () => false, reason: "use import_extension, which holds for services too" },
    { name: "rewrite_imports", allowed: () => false, reason: useM },
    { name: "map_imports", allowed: () => false, reason: useM },
    {
      name: "bootstrap_wkt",
      allowed: only("false", "0"),
      reason: "it is for @bufbuild/protobuf itself, which has the well-known types",
    },
  ],
};

/**
 * The parameter to hand to protoc-gen-es: our defaults, then what the user set. Enums are constant objects, used as
 * TypeScript's own enums are: those do not pass `erasableSyntaxOnly`, and so do not run where types are only stripped.
 */
export function protobufEsParameter(options: PassedOptions, importExtension: "js" | "ts" | "none"): string {
  const ours = { target: "ts", import_extension: importExtension, erasable_syntax: "true" };
  const all = new Map([...Object.entries(ours), ...options]);
  return [...all].map(([name, value]) => `${name}=${value}`).join(",");
}
