import { createRequire } from "node:module";
import { describe, expect, test } from "@jest/globals";
import { tsProtoDefaults, tsProtoOptionValues, tsProtoParameter } from "../../plugin/src/messages/ts-proto/options.js";
import { optionTable, parseOptions } from "../../plugin/src/options.js";

const { defaultOptions, optionsFromParameter } = createRequire(import.meta.url)("ts-proto/build/src/options") as {
  defaultOptions(): { readonly [name: string]: unknown };
  optionsFromParameter(parameter: string): { readonly [name: string]: unknown };
};

describe("parseOptions", () => {
  test("has the defaults of the table", () => {
    expect(parseOptions("")).toEqual({
      messages: "ts-proto",
      emit: "all",
      importExtension: "js",
      runtimeImport: "@trunkline/runtime",
      requests: "partial",
      services: ["*"],
      client: "on",
      server: "on",
      handlers: "on",
      mock: "off",
      index: "none",
      descriptors: "none",
      options: "none",
      serviceConfig: undefined,
      mapping: new Map(),
      tsProto: new Map(),
      protobufEs: new Map(),
    });
  });

  test("reads every option", () => {
    const parameter =
      "messages=ts-proto,emit=services,import_extension=none, runtime_import=@x/y.z,requests=full,descriptors=embed," +
      "services=a.B+a.b.*,client=on,server=off,mock=on,index=package,options=embed,service_config=a/b.json," +
      "ts_proto.forceLong=string,ts_proto.unrecognizedEnumValue=-2,ts_proto.outputServices=none," +
      "Ma/b.proto=@x/y/b.js,Mc/=#c/";
    expect(parseOptions(parameter)).toEqual({
      messages: "ts-proto",
      emit: "services",
      importExtension: "none",
      runtimeImport: "@x/y.z",
      requests: "full",
      services: ["a.B", "a.b.*"],
      client: "on",
      server: "off",
      handlers: "off",
      mock: "on",
      index: "package",
      descriptors: "embed",
      options: "embed",
      serviceConfig: "a/b.json",
      mapping: new Map([
        ["a/b.proto", "@x/y/b.js"],
        ["c/", "#c/"],
      ]),
      protobufEs: new Map(),
      tsProto: new Map([
        ["forceLong", "string"],
        ["unrecognizedEnumValue", "-2"],
        ["outputServices", "none"],
      ]),
    });
  });

  test.each([
    ["emti=all", "there is no option emti: did you mean emit?"],
    ["bogus=1", /^there is no option bogus: there are messages, emit, .*ts_proto.NAME, protobuf_es.NAME$/],
    ["__proto__=1", /^there is no option __proto__: /],
    ["emit", "option emit has no value: write emit=all|services"],
    ["emit=", "option emit has no value: write emit=all|services"],
    ["emit=most", 'option emit has no value "most": write emit=all|services'],
    ["messages=protobuf-ts", 'option messages has no value "protobuf-ts": write messages=ts-proto|protobuf-es'],
    ["import_extension=.js", 'option import_extension has no value ".js": write import_extension=js|ts|none'],
    ["requests=some", 'option requests has no value "some": write requests=partial|full'],
    ["emit=all,emit=all", "option emit is given twice: give it once"],
    [
      "services=a.B+",
      'option services takes names of services, not "": write it as in services=demo.v1.Greeter+demo.admin.*',
    ],
    ["services=a/B", /^option services takes names of services, not "a\/B": /],
    [
      "server=off,handlers=on",
      "option handlers=on does not go with server=off: remove one of them: handlers call what a server implements",
    ],
    [
      "client=off,mock=on",
      "option mock=on does not go with client=off: remove one of them: a mock stands in for a client",
    ],
    ["runtime_import=../runtime", /^option runtime_import takes a package, not "..\/runtime": write a package name/],
    ['runtime_import=a"b', /^option runtime_import takes a package/],
    ["ts_proto.forceLong", "option ts_proto.forceLong has no value: write ts_proto.forceLong=VALUE"],
    ["ts_proto.forcelong=long", "ts-proto has no option forcelong: did you mean ts_proto.forceLong?"],
    ["ts_proto.xyz=1", "ts-proto has no option xyz: see the list in ts-proto's README"],
    ["ts_proto.toString=1", /^ts-proto has no option toString: /],
    ["ts_proto.Ma/b.proto=c", /^ts-proto has no option Ma\/b.proto: /],
    ["ts_proto.comments=yes", 'option ts_proto.comments has no value "yes": write one of true, false'],
    [
      "ts_proto.oneof=union",
      /^option ts_proto.oneof has no value "union": write one of properties, unions, unions-value$/,
    ],
    ["ts_proto.typePrefix=a-b", /^option ts_proto.typePrefix has no value "a-b": it must match/],
    [
      "ts_proto.outputServices=grpc-js",
      /^option ts_proto.outputServices=grpc-js does not work here: services are what/,
    ],
    ["ts_proto.exportCommonSymbols=false", /does not work here: .*requests=full/],
    ["ts_proto.outputPartialMethods=false", /does not work here: .*requests=full/],
    ["ts_proto.outputEncodeMethods=encode-only", /does not work here: services encode and decode every message$/],
    ["ts_proto.outputEncodeMethods=false", /does not work here/],
    ["ts_proto.outputEncodeIncludeTypes=Foo", /does not work here/],
    ["ts_proto.onlyTypes=true", /does not work here/],
    ["ts_proto.nestJs=true", /does not work here/],
    ["ts_proto.useExactTypes=true", /does not work here: its recursive types can take minutes/],
    ["ts_proto.outputIndex=true", /does not work here: every directory/],
    ["ts_proto.importSuffix=.js", /does not work here: use import_extension/],
    ["ts_proto.fileSuffix=_grpc", /does not work here: files of services end in _grpc$/],
    ["ts_proto.fileSuffix=/../x", /has no value/],
    ["Messages=ts-proto", "there is no option Messages: did you mean messages?"],
    ["Ma.proto", /^option Ma.proto takes a module of a package, not "": write it as in Ma.proto=/],
    ["Ma.proto=../b.js", /^option Ma.proto takes a module of a package, not "..\/b.js"/],
    ["Ma.proto=/b.js", /takes a module of a package/],
    ["Ma/=b", /^option Ma\/ takes a prefix of modules, not "b": write it as in Ma\/=@scope\/protos\/$/],
    ["Ma.proto=b/", /takes a module of a package/],
    ['Ma.proto=b"', /takes a module of a package/],
    ["Ma.proto=b,Ma.proto=c", "option Ma.proto is given twice: give it once"],
    ["protobuf_es.json_types=true", /^option protobuf_es.json_types does not go with messages=ts-proto: remove it/],
    ["messages=protobuf-es,ts_proto.env=node", /^option ts_proto.env does not go with messages=protobuf-es: /],
    ["protobuf_es.json_type=true", "protoc-gen-es has no option json_type: did you mean protobuf_es.json_types?"],
    ["protobuf_es.json_types=yes", 'option protobuf_es.json_types has no value "yes": write one of true, false, 1, 0'],
    ["protobuf_es.valid_types=all", /^option protobuf_es.valid_types has no value "all": it must match/],
    ["messages=protobuf-es,protobuf_es.target=js+dts", /does not work here: services are TypeScript/],
    ["messages=protobuf-es,protobuf_es.js_import_style=legacy_commonjs", /does not work here: services are TypeScript/],
    ["messages=protobuf-es,protobuf_es.import_extension=js", /does not work here: use import_extension, which/],
    ["messages=protobuf-es,protobuf_es.rewrite_imports=./a/**:b", /does not work here: use MPROTO=MODULE/],
    ["messages=protobuf-es,protobuf_es.map_imports=a/:b", /does not work here: use MPROTO=MODULE/],
    ["messages=protobuf-es,protobuf_es.bootstrap_wkt=true", /does not work here: it is for @bufbuild\/protobuf itself/],
  ])("refuses %s in one line", (parameter, expected) => {
    const parse = () => parseOptions(parameter);
    expect(parse).toThrow(expected);
    expect(parse).toThrow(/^[^\n]+$/);
  });

  test.each([["ts_proto.exportCommonSymbols=false"], ["ts_proto.outputPartialMethods=false"]])(
    "takes %s where requests are full",
    (parameter) => {
      expect(() => parseOptions(`${parameter},requests=full`)).not.toThrow();
    },
  );
});

test("every row of the table can be documented", () => {
  for (const { name, values, help } of optionTable) {
    expect({ name, help: help.length > 10, values: values.length > 0 }).toEqual({ name, help: true, values: true });
  }
});

describe("ts-proto's options", () => {
  test("are all in the list, and no other", () => {
    const names = Object.keys(defaultOptions()).filter((name) => name !== "M");
    expect(Object.keys(tsProtoOptionValues).sort()).toEqual(names.sort());
  });

  test("reach ts-proto as we mean them, ours before the user's", () => {
    const settings = optionsFromParameter(tsProtoParameter(new Map([["forceLong", "string"]]), ".js"));
    expect(settings).toMatchObject({
      forceLong: "string",
      oneof: "unions-value",
      useDate: "timestamp",
      useExactTypes: false,
      esModuleInterop: true,
      annotateFilesWithVersion: false,
      outputServices: ["none"],
      importSuffix: ".js",
      outputEncodeMethods: true,
      onlyTypes: false,
    });
  });

  test("that were booleans once do not make ts-proto warn", () => {
    expect(optionsFromParameter(tsProtoParameter(new Map([["useOptionals", "true"]]), ""))).toMatchObject({
      useOptionals: "messages",
    });
  });

  test("are all ours to refuse or to pass on: our defaults are in the list", () => {
    for (const name of tsProtoDefaults.keys()) expect(tsProtoOptionValues).toHaveProperty(name);
  });
});
