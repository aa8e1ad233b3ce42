/**
 * How protobuf-es names what it generates: its rules, followed without loading it.
 *
 * A type is called by its path within the package, `Outer_Inner`; its schema `Outer_InnerSchema`. Where a name is taken
 * within the file, it gets the first free of `$`, `$1`, `$2`, … Names are given out in four passes over the file: the
 * shapes of messages and enums, all descriptors, then JSON types and Valid types, whether or not they are generated.
 */
import type { NamedType } from "./types.js";

/** Names for the types of a file, by their places in the list that was given. */
export interface FileNames {
  /** Of the file's own descriptor. */
  readonly file: string;
  /** Of the TypeScript type; undefined for extensions and services. */
  readonly shape: readonly (string | undefined)[];
  /** Of the descriptor: a schema, an extension or a service. */
  readonly desc: readonly string[];
  readonly json: readonly (string | undefined)[];
  readonly valid: readonly (string | undefined)[];
}

/** `protoFile` is the path of the proto, `types` are all of its types in the order of `typesOf`. */
export function fileNames(protoFile: string, types: readonly NamedType[]): FileNames {
  const free = new FreeNames();
  const stems = types.map(({ path }) => path.replaceAll(".", "_"));
  const forData = (suffix: string) =>
    types.map(({ kind }, i) => (kind === "message" || kind === "enum" ? free.take(stems[i] + suffix) : undefined));

  const shape = forData("");
  const file = free.take(`file_${withoutExtension(protoFile).replace(/[^a-zA-Z0-9_]+/g, "_")}`);
  const desc = types.map(({ kind }, i) =>
    free.take(stems[i] + (kind === "message" || kind === "enum" ? "Schema" : "")),
  );
  const json = forData("Json");
  const valid = forData("Valid");
  return { file, shape, desc, json, valid };
}

/** `demo/v1/greeter_pb`: a module's path without an extension. */
export function modulePath(protoFile: string): string {
  return `${withoutExtension(protoFile)}_pb`;
}

function withoutExtension(protoFile: string): string {
  return protoFile.replace(/\.proto$/, "");
}

/** Gives every name out once. */
class FreeNames {
  readonly #taken = new Set<string>();
  /** How many names have been made of a stem: the ones before need not be tried again. */
  readonly #tried = new Map<string, number>();

  take(stem: string): string {
    for (let i = this.#tried.get(stem) ?? 0; ; i++) {
      const name = safeIdentifier(stem + (i === 0 ? "" : i === 1 ? "$" : `$${i - 1}`));
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      this.#tried.set(stem, i + 1);
      return name;
    }
  }
}

function safeIdentifier(name: string): string {
  return reserved.has(name) ? `${name}$` : name;
}

/** What protobuf-es does not call a generated declaration. */
const reserved: ReadonlySet<string> = new Set([
  // Words of ECMAScript. Not all of them: `await`, `async`, `arguments` and others are left as they are.
  ..."break case catch class const continue debugger default delete do else enum export extends false".split(" "),
  ..."finally for function if implements import in instanceof interface let new null package private".split(" "),
  ..."protected public return static super switch this throw true try typeof var void while with yield".split(" "),
  // Types of TypeScript without a declaration.
  ..."bigint boolean number object string".split(" "),
  // Globals that its generated code uses.
  ..."Object Partial Uint8Array globalThis".split(" "),
]);
