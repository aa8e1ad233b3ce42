/** Requests to fuzz the plugin with: made of real descriptors, each of one seed. */
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { CodeGeneratorRequestSchema } from "@bufbuild/protobuf/wkt";
import type { PassedOptionsSpec } from "../../plugin/src/messages/passed-options.js";
import { protobufEsSpec } from "../../plugin/src/messages/protobuf-es/options.js";
import { tsProtoSpec } from "../../plugin/src/messages/ts-proto/options.js";
import { bytesField, withoutField } from "../../plugin/src/walk.js";
import { compileProtos, encodeRequest, filesOf, readAll, root } from "../plugin/compile-protos.js";
import { realProtos } from "../plugin/real-protos.js";
import { chance, hostileText, oneOf } from "./hostile-values.js";
import { mutate, mutateBytes } from "./request-mutators.js";
import type { Random } from "./target.js";
import { Node } from "./wire-tree.js";

export interface PluginCase {
  readonly request: Uint8Array;
  /** What is in the file that `service_config` names. */
  readonly serviceConfig: Uint8Array;
}

interface Proto {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly withoutComments: Uint8Array;
  readonly imports: readonly string[];
}

/** Makes cases of the fixtures, of what was a fault once, and of Google's protos. */
export class PluginCases {
  readonly #protos = new Map<string, Proto>();
  /** The fixtures: they are small, and have in them what goes wrong. Those of bugs are refused as they are. */
  readonly #own: readonly string[];

  constructor() {
    const fixtures = (folder: string) => readAll(join(root, "fixtures", folder), ".proto");
    const own = { ...fixtures("proto"), ...fixtures("proto-es") };
    const bugs = fixtures("bugs");
    for (const bytes of [{ ...own, ...bugs }, realProtos()].flatMap((protos) => filesOf(compileProtos(protos)))) {
      const proto = protoOf(bytes);
      if (!this.#protos.has(proto.name)) this.#protos.set(proto.name, proto);
    }
    this.#own = Object.keys(own);
  }

  /** The case of a seed. */
  make(random: Random): PluginCase {
    const all = [...this.#protos.keys()];
    const generate = Array.from({ length: 1 + random.int(2) }, () =>
      chance(random, 0.9) ? oneOf(random, this.#own) : oneOf(random, all),
    );
    const hasComments = chance(random, 0.4);
    const bytesOf = (name: string) => {
      const { bytes, withoutComments } = this.#protos.get(name)!;
      return hasComments ? bytes : withoutComments;
    };
    const files = this.#withImports(generate).map(bytesOf);
    let request: Uint8Array = encodeRequest({ generate, parameter: parameterOf(random), files });
    if (chance(random, 0.9)) {
      const tree = Node.root(request, CodeGeneratorRequestSchema);
      for (let i = oneOf(random, [1, 1, 1, 2, 3, 6]); i > 0; i--) mutate(tree, random);
      request = tree.payload;
    }
    if (chance(random, 0.15)) request = mutateBytes(request, random);
    return { request, serviceConfig: serviceConfigOf(random) };
  }

  #withImports(names: readonly string[]): readonly string[] {
    const found = new Set<string>();
    const visit = (name: string): void => {
      if (found.has(name)) return;
      for (const imported of this.#protos.get(name)!.imports) visit(imported);
      found.add(name);
    };
    names.forEach(visit);
    return [...found];
  }
}

function protoOf(bytes: Uint8Array): Proto {
  let name = "";
  const imports: string[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) name = reader.string();
    else if (number === 3) imports.push(reader.string());
    else reader.skip(wireType, number);
  }
  return { name, bytes, imports, withoutComments: withoutField(bytes, bytesField(9)) };
}

/** Options that go together, most of the time. */
function parameterOf(random: Random): string {
  const library = oneOf(random, ["ts-proto", "protobuf-es"]);
  const options = [`messages=${library}`, `emit=${chance(random, 0.25) ? "all" : "services"}`];
  const sometimes = (probability: number, option: () => string) => {
    if (chance(random, probability)) options.push(option());
  };
  sometimes(0.2, () => `requests=${oneOf(random, ["full", "partial"])}`);
  sometimes(0.2, () => `import_extension=${oneOf(random, ["js", "ts", "none"])}`);
  sometimes(0.15, () => "descriptors=embed");
  sometimes(0.15, () => "service_config=conf.json");
  sometimes(0.1, () => `runtime_import=${oneOf(random, ["@a/b", "#c", "d"])}`);
  sometimes(0.1, () => oneOf(random, ["Mgoogle/=@a/b/", "Mgoogle/protobuf/empty.proto=@a/b", "Mkinds/=@a/"]));
  const [spec, values] = library === "ts-proto" ? [tsProtoSpec, tsProtoValues] : [protobufEsSpec, protobufEsValues];
  for (let i = 0; i < 4; i++) {
    sometimes(0.12, () => `${spec.prefix}${oneOf(random, values)}`);
  }
  sometimes(0.03, () => `${oneOf(random, names)}=${Buffer.from(hostileText(random)).toString()}`);
  sometimes(0.02, () => Buffer.from(hostileText(random)).toString());
  return options.join(",");
}

const names = [
  ...["messages", "emit", "requests", "import_extension", "descriptors", "service_config", "runtime_import"],
  ...[
    "Ma.proto",
    "Mgoogle/",
    "M/",
    "ts_proto.fileSuffix",
    "ts_proto.typePrefix",
    "ts_proto.snakeToCamel",
    "ts_proto.env",
  ],
  ...["ts_proto.metadataType", "ts_proto.__proto__", "protobuf_es.constructor", "protobuf_es.target", "__proto__"],
];

/** `NAME=VALUE` for all that the services can live with. */
function valuesOf({ values, refusals }: PassedOptionsSpec): readonly string[] {
  return Object.entries(values).flatMap(([name, allowed]) =>
    (allowed instanceof RegExp ? ["x", "Ab", "1", "-1", "a_b.c"].filter((value) => allowed.test(value)) : allowed)
      .filter((value) => refusals.every((refusal) => refusal.name !== name || refusal.allowed(value)))
      .map((value) => `${name}=${value}`),
  );
}

const tsProtoValues = valuesOf(tsProtoSpec);
const protobufEsValues = valuesOf(protobufEsSpec);

const config = Buffer.from(
  JSON.stringify({
    methodConfig: [
      {
        name: [{ service: "greeter.v1.Greeter" }, { service: "kinds.v1.Kinds", method: "Unary" }],
        timeout: "1.5s",
        retryPolicy: {
          ...{ maxAttempts: 3, initialBackoff: "0.1s", maxBackoff: "1s", backoffMultiplier: 2 },
          retryableStatusCodes: ["UNAVAILABLE", 8],
        },
      },
      { name: [{}], hedgingPolicy: { maxAttempts: 2, hedgingDelay: ".5s", nonFatalStatusCodes: [] } },
    ],
  }),
);

function serviceConfigOf(random: Random): Uint8Array {
  return chance(random, 0.5) ? config : mutateBytes(config, random);
}
