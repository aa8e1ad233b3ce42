/**
 * Prints what ts-proto has made, in half of the time.
 *
 * Symptom: to print a file takes ts-poet 6.12 half as long as it took ts-proto to make it. Cause: it goes through the
 * tree of all pieces twice, again through a helper such as `isSet` wherever one is used, resolves two paths for every
 * use of an imported name, and formats each snippet that ts-proto looks at on its way, with a compiler of its own. There
 * is no other way in: ts-proto makes its pieces by ts-poet's functions.
 */
import {
  Code,
  ConditionalOutput,
  Def,
  deepGenerate,
  Import,
  imports,
  MaybeOutput,
  type Piece,
  type PrintOptions,
} from "./load.js";

/** Replaces the four methods of ts-poet that this is about. What is printed is the same. */
export function printFast(): void {
  Code.prototype.toString = toText;
  Code.prototype.deepFindAll = findAll;
  Code.prototype.generateCode = generateText;
  imports.sameModule = rememberLast(imports.sameModule);
}

/** Without options it is ts-proto that looks at a snippet: it compares two, or takes the comments of a field. */
function toText(this: Code, options?: PrintOptions): string {
  return options === undefined ? `${this.generateCodeWithImports({}).trim()}\n` : this.generateCodeWithImports(options);
}

/** What of a tree matters to imports, level by level: names are given out in this order. */
function findAll(this: Code): [used: ConditionalOutput[], imports: Import[], defs: Def[]] {
  const used = new Map<ConditionalOutput, number>();
  const found: Import[] = [];
  const defs: Def[] = [];
  const queue: object[] = [this];
  const enqueue = (pieces: readonly Piece[]) => {
    for (const piece of pieces) if (typeof piece === "object" && piece !== null) queue.push(piece);
  };
  // An array that grows while it is walked is walked to its end.
  for (const piece of queue) {
    if (piece instanceof Code) enqueue(piece.placeholders);
    else if (piece instanceof Import) found.push(piece);
    else if (piece instanceof ConditionalOutput) {
      const times = used.get(piece) ?? 0;
      used.set(piece, times + 1);
      // ts-poet looks into it at each use. The second look keeps the names that the first gave from being given again.
      if (times > 1) continue;
      enqueue(piece.childNodes);
      enqueue(piece.declarationSiteCode.childNodes);
    } else if (piece instanceof Def) defs.push(piece);
    else if (piece instanceof MaybeOutput) {
      if (used.has(piece.parent)) queue.push(piece.code);
    } else if (Array.isArray(piece)) enqueue(piece);
    else if ("childNodes" in piece) enqueue(piece.childNodes as readonly Piece[]);
  }
  return [[...used.keys()], found, defs];
}

function generateText(this: Code, used: readonly ConditionalOutput[]): string {
  const { literals, placeholders } = this;
  let text = literals[0]!;
  for (let i = 0; i < placeholders.length; i++) {
    const piece = placeholders[i];
    if (typeof piece === "string") text += piece;
    else if (piece instanceof Code) text += piece.toCodeString(used);
    else text += deepGenerate(used, piece);
    text += literals[i + 1]!;
  }
  if (this.trim) text = text.trim();
  return this.oneline ? text.replace(/\n/g, "") : text;
}

/** The second path is that of the file that is being printed. */
function rememberLast(sameModule: (one: string, other: string) => boolean): (one: string, other: string) => boolean {
  let known = new Map<string, boolean>();
  let last: string | undefined;
  return (one, other) => {
    if (other !== last) {
      last = other;
      known = new Map();
    }
    let same = known.get(one);
    if (same === undefined) {
      same = sameModule(one, other);
      known.set(one, same);
    }
    return same;
  };
}
