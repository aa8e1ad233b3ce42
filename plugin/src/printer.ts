/**
 * Prints one generated file: lines of text in which imported names are values, so that a file imports exactly what it
 * prints, under a name that clashes with nothing.
 */
import type { Doc } from "./model.js";

/** What can be printed: text, a name that another module exports, or several of either in a row. */
export type Printable = string | ImportSymbol | readonly Printable[];

/** A name that another module exports. Printing it imports it. */
export interface ImportSymbol {
  readonly name: string;
  /** Module specifier, as the generated file spells it. */
  readonly from: string;
  /** Whether it is printed as a type. Where a file prints it as both, it is imported once, as a value. */
  readonly typeOnly: boolean;
}

/** The type `name` that the module `from` exports. */
export function importType(name: string, from: string): ImportSymbol {
  return { name, from, typeOnly: true };
}

/** The value `name` that the module `from` exports. */
export function importValue(name: string, from: string): ImportSymbol {
  return { name, from, typeOnly: false };
}

/** The runtime's package. A symbol from it, or from below it, is imported from `PrinterOptions.runtimeImport` instead. */
export const runtimePackage = "@trunkline/runtime";

export interface PrinterOptions {
  /** Names that no import may take: what the file declares, and what its text uses without an import. */
  readonly taken: Iterable<string>;
  /** Module specifier of the runtime; subpaths are appended to it. */
  readonly runtimeImport: string;
}

/** Collects what one file says; its imports follow from that. */
export class Printer {
  readonly #options: PrinterOptions;
  readonly #segments: (string | ImportSymbol)[] = [];

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  /** Prints a line: ``p.line`const ${name} = ${symbol};` ``. */
  line(text: TemplateStringsArray, ...values: readonly Printable[]): void {
    text.forEach((piece, i) => {
      this.#print(piece);
      this.#print(values[i] ?? "");
    });
    this.#print("\n");
  }

  /** Prints a doc comment on lines of its own, or nothing at all where there is nothing to say. */
  doc(documented: Documented, indent: string): void {
    this.#print(docComment(documented.doc, { deprecated: documented.deprecated, indent }));
  }

  /** The import statements that the printed text needs, and that text. */
  finish(): { readonly imports: string; readonly body: string } {
    const imports = new Imports(this.#options);
    for (const segment of this.#segments) {
      if (typeof segment !== "string") imports.add(segment);
    }
    const body = this.#segments.map((segment) => (typeof segment === "string" ? segment : imports.localName(segment)));
    return { imports: imports.statements(), body: body.join("") };
  }

  #print(printable: Printable): void {
    if (typeof printable === "string" || "name" in printable) {
      this.#segments.push(printable);
    } else {
      for (const part of printable) this.#print(part);
    }
  }
}

interface Import {
  readonly name: string;
  readonly from: string;
  readonly localName: string;
  typeOnly: boolean;
}

/** What a file imports, under which local names: `Name`, or the first free of `Name$1`, `Name$2`, … */
class Imports {
  readonly #byKey = new Map<string, Import>();
  readonly #taken: Set<string>;
  readonly #runtimeImport: string;

  constructor(options: PrinterOptions) {
    this.#taken = new Set(options.taken);
    this.#runtimeImport = options.runtimeImport;
  }

  add(symbol: ImportSymbol): void {
    const key = this.#key(symbol);
    const known = this.#byKey.get(key);
    if (known === undefined) {
      const { name, typeOnly } = symbol;
      this.#byKey.set(key, { name, from: this.#from(symbol), localName: this.#freeName(name), typeOnly });
    } else if (!symbol.typeOnly) {
      known.typeOnly = false;
    }
  }

  localName(symbol: ImportSymbol): string {
    return this.#byKey.get(this.#key(symbol))?.localName ?? symbol.name;
  }

  /** At most two per module, for its types and its values; sorted, so that the order of printing does not show. */
  statements(): string {
    const modules = [...new Set([...this.#byKey.values()].map(({ from }) => from))].sort();
    return modules.map((from) => this.#statement(from, true) + this.#statement(from, false)).join("");
  }

  #statement(from: string, typeOnly: boolean): string {
    const names = [...this.#byKey.values()]
      .filter((one) => one.from === from && one.typeOnly === typeOnly)
      .map(({ name, localName }) => (localName === name ? name : `${name} as ${localName}`))
      .sort();
    if (names.length === 0) return "";
    return `import ${typeOnly ? "type " : ""}{ ${names.join(", ")} } from ${stringLiteral(from)};\n`;
  }

  #key(symbol: ImportSymbol): string {
    return `${symbol.name} ${this.#from(symbol)}`;
  }

  #from({ from }: ImportSymbol): string {
    return from === runtimePackage || from.startsWith(`${runtimePackage}/`)
      ? this.#runtimeImport + from.slice(runtimePackage.length)
      : from;
  }

  #freeName(name: string): string {
    let free = name;
    // `$` cannot occur in a proto name: no name that a user chose looks like an alias.
    for (let i = 1; this.#taken.has(free); i++) free = `${name}$${i}`;
    this.#taken.add(free);
    return free;
  }
}

/** A string literal of TypeScript whose value is `value`. */
export function stringLiteral(value: string): string {
  return JSON.stringify(value);
}

/** What a proto says of a declaration. */
export interface Documented {
  readonly doc: Doc;
  readonly deprecated: boolean;
}

/**
 * A TSDoc comment with the paragraphs of `doc` in the order in which the proto has them, and `@deprecated` where that
 * is so. Empty, without even a line, where there is nothing to say.
 */
export function docComment(doc: Doc, { deprecated, indent }: { deprecated: boolean; indent: string }): string {
  const paragraphs = [...doc.detached, doc.leading, doc.trailing].map(commentLines).filter((lines) => lines.length > 0);
  if (deprecated) paragraphs.push(["@deprecated"]);
  const lines = paragraphs.flatMap((paragraph, i) => (i === 0 ? paragraph : ["", ...paragraph]));
  if (lines.length === 0) return "";
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} *${line && " "}${line}\n`).join("")}${indent} */\n`;
}

/** The lines of a comment as protoc hands it over, without what only marked them as a comment. */
function commentLines(comment: string): string[] {
  // `/** Javadoc */` is an ordinary comment to protoc: the second asterisk is left in the text. So is the third slash
  // of `/// Doxygen`, on every line.
  let lines = comment.replace(/^\*(?=\s)/, "").split(/\r\n|\r|\n/);
  if (lines.every((line) => line === "" || /^\/(\s|$)/.test(line))) lines = lines.map((line) => line.slice(1));
  lines = lines.map((line) => escapeComment(line.replace(/^ /, "").trimEnd()));
  while (lines[0] === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Two things in a comment would be more than prose, and get a backslash, which is TSDoc's own escape: the end of the
 * comment, and an `@` that begins a word. All of the latter, known tag or not: who wrote `@ts-ignore`, `@internal` or
 * `@param` in a proto did not mean our compiler. `{`, `}`, `<` and Markdown do no harm and stay as they are.
 */
function escapeComment(line: string): string {
  return line.replaceAll("*/", "*\\/").replace(/(?<![^\s{])@(?=\w)/g, "\\@");
}
