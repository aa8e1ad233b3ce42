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
  readonly #imports: Imports;
  #body = "";

  constructor(options: PrinterOptions) {
    this.#imports = new Imports(options);
  }

  /** Prints a line: ``p.line`const ${name} = ${symbol};` ``. */
  line(text: TemplateStringsArray, ...values: readonly Printable[]): void {
    for (let i = 0; i < values.length; i++) {
      this.#body += text[i]!;
      this.#print(values[i]!);
    }
    this.#body += `${text[values.length]}\n`;
  }

  /** Prints a doc comment on lines of its own, or nothing at all where there is nothing to say. */
  doc(documented: Documented, indent: string): void {
    this.#body += docComment(documented.doc, { deprecated: documented.deprecated, indent });
  }

  /** The import statements that the printed text needs, and that text. */
  finish(): { readonly imports: string; readonly body: string } {
    return { imports: this.#imports.statements(), body: this.#body };
  }

  #print(printable: Printable): void {
    if (typeof printable === "string") this.#body += printable;
    else if ("name" in printable) this.#body += this.#imports.localName(printable);
    else for (const part of printable) this.#print(part);
  }
}

interface Import {
  readonly name: string;
  readonly localName: string;
  typeOnly: boolean;
}

/** What a file imports, under which local names: `Name`, or the first free of `Name$1`, `Name$2`, … */
class Imports {
  /** By module specifier, and by name. */
  readonly #modules = new Map<string, Map<string, Import>>();
  readonly #taken: Set<string>;
  readonly #runtimeImport: string;

  constructor(options: PrinterOptions) {
    this.#taken = new Set(options.taken);
    this.#runtimeImport = options.runtimeImport;
  }

  /** Imports the symbol, if it is not yet, and tells what it is called here. */
  localName({ name, from, typeOnly }: ImportSymbol): string {
    let names = this.#modules.get(from);
    if (names === undefined) {
      names = new Map();
      this.#modules.set(from, names);
    }
    let known = names.get(name);
    if (known === undefined) {
      known = { name, localName: this.#freeName(name), typeOnly };
      names.set(name, known);
    }
    if (!typeOnly) known.typeOnly = false;
    return known.localName;
  }

  /** At most two per module, for its types and its values; sorted, so that the order of printing does not show. */
  statements(): string {
    return [...this.#modules]
      .map(([from, names]) => ({ from: this.#specifier(from), names: [...names.values()] }))
      .sort((a, b) => (a.from < b.from ? -1 : 1))
      .map(({ from, names }) => statement("type ", from, names) + statement("", from, names))
      .join("");
  }

  #specifier(from: string): string {
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

function statement(kind: "type " | "", from: string, imports: readonly Import[]): string {
  const names = imports
    .filter(({ typeOnly }) => typeOnly === (kind !== ""))
    .map(({ name, localName }) => (localName === name ? name : `${name} as ${localName}`))
    .sort();
  if (names.length === 0) return "";
  return `import ${kind}{ ${names.join(", ")} } from ${stringLiteral(from)};\n`;
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
  // of `/// Doxygen`, on every line, and the exclamation mark that Doxygen takes as well.
  let lines = comment.split(/\r\n|[\r\n\u2028\u2029]/);
  if (lines.every((line) => line === "" || /^[/!](\s|$)/.test(line))) lines = lines.map((line) => line.slice(1));
  else if (/^[*!]\s/.test(comment)) lines[0] = lines[0]!.slice(1);
  lines = lines.map((line) => escapeComment(line.replace(/^ /, "").trimEnd()));
  while (lines[0] === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  const fence = openFence(lines);
  return fence === undefined ? lines : [...lines, fence];
}

/**
 * Two things in a comment would be more than prose, and get a backslash, which is TSDoc's own escape: the end of the
 * comment, and an `@` that does not stand within a word or behind punctuation. All of the latter, known tag or not: who
 * wrote `@ts-ignore`, `@internal` or `@param` in a proto did not mean our compiler. To tsc an `@` begins a tag after
 * anything that is white space to it, which includes what is none to others, such as a zero-width space; hence the rule
 * says what may stand before one. `{`, `}`, `<` and Markdown do no harm and stay as they are.
 */
function escapeComment(line: string): string {
  return line.replaceAll("*/", "*\\/").replace(/(?<![!-z|-~\p{Letter}\p{Number}])@/gu, "\\@");
}

/** What closes a fenced code block that a comment leaves open: what follows, a `@deprecated`, would be code. */
function openFence(lines: readonly string[]): string | undefined {
  let open: string | undefined;
  for (const line of lines) {
    const [, fence = "", rest = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) open = fence || undefined;
    else if (fence.startsWith(open) && rest.trim() === "") open = undefined;
  }
  return open;
}
