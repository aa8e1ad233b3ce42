/** Protos that compile, and whose names, comments and options are as awkward as protoc lets them be. */
import fc from "fast-check";

/** A proto with services, and one beside it whose messages it uses as well. */
export interface RandomProtos {
  /** The one with services. */
  readonly main: string;
  /** Path to text, of both. */
  readonly protos: { readonly [path: string]: string };
}

type Syntax = 'syntax = "proto2";' | 'syntax = "proto3";' | 'edition = "2023";';

/** What may be any name: reserved words, globals, members of every object, and what generated code itself declares. */
const awkward: readonly string[] = [
  ..."await break case class const continue debugger default delete do else enum export extends false finally for".split(
    " ",
  ),
  ..."function if implements import in instanceof interface let new null package private protected public return".split(
    " ",
  ),
  ..."static super switch this throw true try type typeof undefined var void while with yield arguments eval async of".split(
    " ",
  ),
  ..."any bigint boolean never number object string symbol unknown readonly keyof infer declare namespace module".split(
    " ",
  ),
  ..."Object Promise String Number Boolean Array Map Uint8Array Date Function Error globalThis Buffer BigInt Symbol".split(
    " ",
  ),
  ..."Partial Record Exclude Pick Omit Required Readonly ReadonlyArray AsyncIterable Iterable Math JSON NaN".split(" "),
  ..."constructor __proto__ toString valueOf hasOwnProperty isPrototypeOf prototype then toJSON name length".split(" "),
  ..."__defineGetter__ DeepPartial Exact Builtin KeysOfUnion MessageFns BinaryReader BinaryWriter Long".split(" "),
  ..."protobufPackage protobufFileName isSet isObject isObjectSet longToNumber bytesFromBase64 base64FromBytes".split(
    " ",
  ),
  ..."fromTimestamp toTimestamp Timestamp UNRECOGNIZED Message GenMessage GenFile fileDesc messageDesc".split(" "),
  ..."Channel CallOptions requireContract ServiceDesc sharedClient tsProto protobufEs MessageInitShape".split(" "),
  ..."MessageSource ServerCall unimplemented DialOptions descriptorSet methods channel request requests".split(" "),
  ..."options target impl call message reader writer base end tag input key value entry encode decode".split(" "),
  ..."create fromPartial fromJSON e v i obj $case_ typeName serviceName fileName handler oneofKind".split(" "),
  ..."_ __ _a a_ __a a__ a__b _1 a_1 a1_b A_b aB AB A_B FOO_BAR FooBar fooBar foo_bar Foo_Bar foo Foo FOO F_ _F".split(
    " ",
  ),
  ..."createBaseFoo fooFromJSON fooToJSON FooSchema FooJson FooClient FooServer FooDesc fooHandlers FooEntry".split(
    " ",
  ),
  ...["long_".repeat(20), "X".repeat(100), "_".repeat(9)],
].filter((name) => /^[A-Za-z_]\w*$/.test(name));

/** What a comment may hold, on one line. */
const remarks: readonly string[] = [
  ..."*/|/*|// @ts-nocheck|@deprecated|@ts-ignore @param {x} y|{@link X}|`\u0024{x}`|<script>|\\u002a/|* /|\u2028|* *".split(
    "|",
  ),
  ...'*/ throw 1; /*|# ?|\'|"|\\|é 名 😀|/// <reference types="x" />|@|*|*@internal|!|-->'.split("|"),
];

/** Every number as likely as any other: what is at the ends of a list is no more awkward than the rest. */
const nat = (max: number): fc.Arbitrary<number> => fc.noBias(fc.nat(max));
const plain = fc.stringMatching(/^[a-z][a-z0-9]{1,7}(_[a-z0-9]{1,5})?$/);
const scalars: readonly string[] = [
  ..."double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes".split(
    " ",
  ),
];
const keys: readonly string[] = scalars.filter((type) => !["double", "float", "bytes"].includes(type));
const wellKnown: readonly string[] = [
  ..."Empty Timestamp Duration Any Struct Value ListValue FieldMask StringValue BytesValue Int64Value BoolValue".split(
    " ",
  ),
];
const wellKnownImports = "empty timestamp duration any struct field_mask wrappers"
  .split(" ")
  .map((name) => `import "google/protobuf/${name}.proto";`)
  .join("\n");

const upperFirst = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);
const lower = (name: string): string => name.replaceAll("_", "").toLowerCase();

/** How protoc calls a field in JSON; two fields of a message may not share it. */
export function jsonName(name: string): string {
  return name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

/** The names of one scope of a proto, each of which it has once. */
class Scope {
  readonly #taken = new Set<string>();

  take(name: string): boolean {
    if (this.#taken.has(name)) return false;
    this.#taken.add(name);
    return true;
  }
}

/** Writes one pair of protos from what fast-check generates. */
class Writer {
  readonly #g: fc.GeneratorValue;
  readonly #awkwardness: number;
  readonly #syntax: Syntax;
  /** What fields and rpcs may refer to, by full names. */
  readonly #messages: string[] = [];
  readonly #enums: { readonly name: string; readonly isOpen: boolean }[] = [];

  constructor(g: fc.GeneratorValue, syntax: Syntax, awkwardness: number) {
    this.#g = g;
    this.#syntax = syntax;
    this.#awkwardness = awkwardness;
  }

  get messages(): readonly string[] {
    return this.#messages;
  }

  file(packageName: string, imports: readonly string[], used: readonly string[], serviceCount: number): string {
    const scope = new Scope();
    for (const segment of packageName.split(".")) scope.take(segment);
    const prefix = packageName === "" ? "." : `.${packageName}.`;
    this.#messages.push(...used);
    const declarations: string[] = [];
    for (let i = this.#int(1, 3); i > 0; i--) declarations.push(this.#enum(scope, prefix));
    for (let i = this.#int(1, 4); i > 0; i--) declarations.push(this.#message(scope, prefix, 0));
    this.#messages.push(...wellKnown.map((name) => `.google.protobuf.${name}`));
    for (let i = serviceCount; i > 0; i--) declarations.push(this.#service(scope));
    const header = [this.#comment(""), this.#syntax, packageName && `package ${packageName};`, wellKnownImports];
    const imported = imports.map((path) => `import ${JSON.stringify(path)};`);
    const deprecated = this.#chance(0.1) ? ["option deprecated = true;"] : [];
    return `${[...header, ...imported, ...deprecated, ...declarations].join("\n")}\n`;
  }

  #message(scope: Scope, prefix: string, depth: number): string {
    const name = this.#name(scope);
    const own = `${prefix}${name}`;
    this.#messages.push(own);
    const inside = new Scope();
    const parts: string[] = [];
    if (depth < 2) {
      for (let i = this.#int(0, 2); i > 0; i--) parts.push(this.#message(inside, `${own}.`, depth + 1));
      if (this.#chance(0.3)) parts.push(this.#enum(inside, `${own}.`));
    }
    const json = new Scope();
    const numbers = new Scope();
    for (let i = this.#int(0, 5); i > 0; i--) parts.push(this.#field(inside, json, numbers));
    if (this.#chance(0.3)) parts.push(this.#oneof(inside, json, numbers));
    if (this.#chance(0.1)) parts.push("option deprecated = true;");
    return `${this.#comment("")}message ${name} {\n${parts.join("\n")}\n}`;
  }

  #oneof(scope: Scope, json: Scope, numbers: Scope): string {
    const name = this.#name(scope);
    const fields: string[] = [];
    for (let i = this.#int(1, 3); i > 0; i--) {
      const type = this.#type();
      // ts-proto's toJSON takes it for set in a oneof, and tsc does not; at run time it works.
      if (type === ".google.protobuf.Int64Value") continue;
      fields.push(`${type} ${this.#fieldName(scope, json)} = ${this.#number(numbers)};`);
    }
    if (fields.length === 0) fields.push(`int32 ${this.#fieldName(scope, json)} = ${this.#number(numbers)};`);
    return `oneof ${name} {\n${fields.join("\n")}\n}`;
  }

  #field(scope: Scope, json: Scope, numbers: Scope): string {
    const isProto2 = this.#syntax === 'syntax = "proto2";';
    const isEdition = this.#syntax === 'edition = "2023";';
    const number = this.#number(numbers);
    if (isProto2 && this.#chance(0.15)) return this.#group(scope, json, number);
    const name = this.#fieldName(scope, json);
    const comment = this.#comment("  ");
    const options = this.#chance(0.1) ? ["deprecated = true"] : [];
    if (this.#chance(0.1))
      options.push(`json_name = ${JSON.stringify(`${this.#of(["a'b", "$x", "a b", "-", "9", "\\", "名"])}${number}`)}`);
    const optionText = () => (options.length === 0 ? "" : ` [${options.join(", ")}]`);
    if (this.#chance(0.15) && scope.take(`${upperFirst(jsonName(name))}Entry`)) {
      return `${comment}map<${this.#of(keys)}, ${this.#type()}> ${name} = ${number}${optionText()};`;
    }
    const type = this.#type();
    const isScalar = scalars.includes(type);
    const isRepeated = this.#chance(0.25);
    if (isEdition && isScalar && this.#chance(0.2)) {
      if (isRepeated && type !== "string" && type !== "bytes")
        options.push("features.repeated_field_encoding = EXPANDED");
      if (!isRepeated) options.push("features.field_presence = IMPLICIT");
    }
    if (isProto2 && !isRepeated && this.#chance(0.1)) {
      if (type === "int32") options.push("default = -7");
      if (type === "string") options.push(`default = ${JSON.stringify("a'b\"\\\n`\u0024{x}")}`);
    }
    const label = isRepeated ? "repeated " : isProto2 || (!isEdition && this.#chance(0.2)) ? "optional " : "";
    return `${comment}${label}${type} ${name} = ${number}${optionText()};`;
  }

  #group(scope: Scope, json: Scope, number: number): string {
    for (;;) {
      const name = upperFirst(this.#candidate());
      if (!/^[A-Z]/.test(name)) continue;
      const fieldName = name.toLowerCase();
      if (fieldName === name || !json.take(jsonName(fieldName))) continue;
      if (!scope.take(name) || !scope.take(fieldName)) continue;
      return `${this.#of(["optional", "repeated"])} group ${name} = ${number} { optional int32 ${this.#candidate()} = 1; }`;
    }
  }

  #enum(scope: Scope, prefix: string): string {
    const name = this.#name(scope);
    const values = new Scope();
    const lines: string[] = [];
    const isOpen = this.#syntax !== 'syntax = "proto2";';
    this.#enums.push({ name: `${prefix}${name}`, isOpen });
    // More than one: ts-proto does not write a field that is set to the first, which is known (limits.ts).
    const count = this.#int(2, 4);
    for (let i = 0; i < count; i++) {
      let value = this.#candidate();
      // Without the enum's name and in one case, in which protoc wants them to differ.
      const stem = lower(value).replace(lower(name), "") || lower(value);
      if (["option", "reserved"].includes(value) || stem === "" || !values.take(stem))
        value = `V${name}${prefix.length}${i}`;
      if (!scope.take(value)) {
        value = `W_${i}_${prefix.replaceAll(".", "_")}${name}`;
        scope.take(value);
      }
      lines.push(`${value} = ${i === 0 ? 0 : this.#of([i, -i, i * 1000])};`);
    }
    return `${this.#comment("")}enum ${name} {\n${lines.join("\n")}\n}`;
  }

  #service(scope: Scope): string {
    const name = this.#name(scope);
    const rpcs = new Scope();
    const camel = new Scope();
    const lines: string[] = [];
    for (let i = this.#int(0, 5); i > 0; i--) {
      const rpc = this.#candidate();
      // Two that are one in TypeScript are refused: that is tested elsewhere.
      if (!camel.take(lower(rpc)) || !rpcs.take(rpc)) continue;
      const stream = () => (this.#chance(0.4) ? "stream " : "");
      const [request, response] = [this.#of(this.#messages), this.#of(this.#messages)];
      const options = [
        ...(this.#chance(0.15) ? ["option deprecated = true;"] : []),
        ...(this.#chance(0.2) ? [`option idempotency_level = ${this.#of(["IDEMPOTENT", "NO_SIDE_EFFECTS"])};`] : []),
      ];
      lines.push(
        `${this.#comment("  ")}rpc ${rpc}(${stream()}${request}) returns (${stream()}${response}) {${options.join(" ")}}`,
      );
    }
    return `${this.#comment("")}service ${name} {\n${lines.join("\n")}\n}`;
  }

  #type(): string {
    if (this.#chance(0.55)) return this.#of(scalars);
    if (this.#chance(0.3)) {
      // What is closed cannot be in messages of proto3.
      return this.#of(this.#enums).name;
    }
    if (this.#chance(0.25)) return `.google.protobuf.${this.#of(wellKnown)}`;
    return this.#of(this.#messages);
  }

  #number(numbers: Scope): number {
    for (;;) {
      const number = this.#chance(0.9) ? this.#int(1, 60) : this.#of([15, 16, 2047, 2048, 18_999, 20_000, 536_870_911]);
      if (numbers.take(String(number))) return number;
    }
  }

  #fieldName(scope: Scope, json: Scope): string {
    for (;;) {
      const name = this.#candidate();
      if (json.take(jsonName(name).toLowerCase()) && scope.take(name)) return name;
    }
  }

  #name(scope: Scope): string {
    for (;;) {
      const name = this.#chance(0.6) ? upperFirst(this.#candidate()) : this.#candidate();
      if (scope.take(name)) return name;
    }
  }

  #candidate(): string {
    return this.#chance(this.#awkwardness) ? this.#of(awkward) : this.#g(() => plain);
  }

  #comment(indent: string): string {
    if (!this.#chance(0.3)) return "";
    const lines = Array.from({ length: this.#int(1, 3) }, () => this.#of(remarks));
    if (this.#chance(0.5)) return lines.map((line) => `${indent}// ${line}\n`).join("");
    return `${indent}/${this.#of(["*", "**"])} ${lines.map((line) => line.replaceAll("*/", "* /").replaceAll("/*", "/ *")).join("\n")} */\n`;
  }

  #chance(probability: number): boolean {
    return this.#g(nat, 999) < probability * 1000;
  }

  #int(min: number, max: number): number {
    return min + this.#g(nat, max - min);
  }

  #of<Item>(items: readonly Item[]): Item {
    return items[this.#g(nat, items.length - 1)]!;
  }
}

const syntaxes: readonly Syntax[] = [
  'syntax = "proto2";',
  'syntax = "proto3";',
  'syntax = "proto3";',
  'edition = "2023";',
];
const stems: readonly string[] = [
  "main",
  "class",
  "a-b",
  "a.b",
  "With Space",
  "Üñ",
  "__proto__",
  "constructor",
  "a'b",
  "0",
];

/** A pair of protos; `index` keeps it apart from others that are compiled with it. */
export function randomProtos(index: number): fc.Arbitrary<RandomProtos> {
  return fc.gen().map((g) => {
    const of = <Item>(items: readonly Item[]): Item => items[g(nat, items.length - 1)]!;
    const awkwardness = of([0, 0.01, 0.03, 0.3]);
    const segment = () => (g(nat, 99) < awkwardness * 100 ? of(awkward) : g(() => plain));
    const packageOf = (kind: string) => [`p${index}${kind}`, ...Array.from({ length: g(nat, 2) }, segment)].join(".");
    const [stem, typesStem] = awkwardness > 0.05 ? [of(stems), of(stems)] : ["main", "types"];
    const main = `p${index}/${stem}.proto`;
    const types = `p${index}/types/${typesStem}.proto`;
    const shared = new Writer(g, of(syntaxes), awkwardness);
    const sharedText = shared.file(packageOf("t"), [], [], 0);
    const own = sharedTextMessages(shared);
    const writer = new Writer(g, of(syntaxes), awkwardness);
    const text = writer.file(index === 0 ? "" : packageOf("m"), [types], own, 1 + g(nat, 1));
    return { main, protos: { [main]: text, [types]: sharedText } };
  });
}

function sharedTextMessages({ messages }: Writer): readonly string[] {
  return messages.filter((name) => !name.startsWith(".google."));
}
