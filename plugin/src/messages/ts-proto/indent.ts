/**
 * Indents TypeScript by the depth of its brackets. ts-poet prints lines without any indentation and leaves the rest to
 * a formatter, which takes twice as long as generating. Only white space at the ends of lines and blank lines change,
 * and none of it inside of strings, template literals and regular expressions.
 */
export function indent(source: string): string {
  const out: string[] = [];
  const scanner = new Scanner(source);
  let lastBlank = true;
  while (!scanner.atEnd) {
    const { text, verbatim, depth } = scanner.line();
    if (verbatim) {
      out.push(text);
      lastBlank = false;
    } else if (text === "") {
      if (!lastBlank) out.push("");
      lastBlank = true;
    } else {
      // No blank line before a closing bracket.
      if (out.at(-1) === "" && /^[)\]}]/.test(text)) out.pop();
      out.push("  ".repeat(depth) + text);
      // Nor after an opening one.
      lastBlank = /[([{]$/.test(text);
    }
  }
  while (out.at(-1) === "") out.pop();
  return `${out.join("\n")}\n`;
}

/** An open bracket or template literal; `depth` is that of the line where it opened. */
interface Open {
  readonly kind: "bracket" | "template" | "substitution";
  readonly depth: number;
}

interface Line {
  readonly text: string;
  /** Begins inside of a template literal: to be left as it is. */
  readonly verbatim: boolean;
  readonly depth: number;
}

/** Where one of these ends a line or a token, a slash begins a regular expression rather than divides. */
const beforeRegex = /(?:^|[(,=:[!&|?{};+*~^%<>-]|\breturn|\btypeof|\bcase)\s*$/;

class Scanner {
  readonly #source: string;
  readonly #open: Open[] = [];
  #position = 0;
  #inComment = false;

  constructor(source: string) {
    this.#source = source;
  }

  get atEnd(): boolean {
    return this.#position >= this.#source.length;
  }

  line(): Line {
    const start = this.#position;
    const newline = this.#source.indexOf("\n", start);
    const end = newline < 0 ? this.#source.length : newline;
    const raw = this.#source.slice(start, end);
    this.#position = end + 1;
    if (this.#inComment) {
      const depth = this.#depth();
      this.#scan(raw, depth);
      const text = raw.trim();
      return { text: text.startsWith("*") ? ` ${text}` : text, verbatim: false, depth };
    }
    if (this.#open.at(-1)?.kind === "template") {
      this.#scan(raw, this.#depth());
      return { text: raw, verbatim: true, depth: 0 };
    }
    const text = raw.trimStart();
    const depth = this.#depthOf(text);
    this.#scan(text, depth);
    // A line that ends within a template literal ends with a part of it.
    return { text: this.#open.at(-1)?.kind === "template" ? text : text.trimEnd(), verbatim: false, depth };
  }

  /** Of a line inside of the innermost bracket. */
  #depth(): number {
    const innermost = this.#open.at(-1);
    return innermost === undefined ? 0 : innermost.depth + 1;
  }

  /** Of this line: brackets that it begins with go back to where they opened, operators continue the line before. */
  #depthOf(text: string): number {
    const closing = /^[)\]}]+/.exec(text)?.[0].length ?? 0;
    if (closing > 0) return this.#open.at(-closing)?.depth ?? 0;
    return this.#depth() + (/^[?:|&.](?!\.)/.test(text) ? 1 : 0);
  }

  /** Follows the tokens of a line, as far as they can hold or hide a bracket. */
  #scan(text: string, depth: number): void {
    let i = 0;
    while (i < text.length) {
      if (this.#inComment) {
        const end = text.indexOf("*/", i);
        if (end < 0) return;
        this.#inComment = false;
        i = end + 2;
      } else if (this.#open.at(-1)?.kind === "template") {
        i = this.#scanTemplate(text, i, depth);
      } else {
        const next = this.#scanCode(text, i, depth);
        if (next < 0) return;
        i = next;
      }
    }
  }

  #scanTemplate(text: string, i: number, depth: number): number {
    if (text[i] === "\\") return i + 2;
    if (text[i] === "`") this.#open.pop();
    if (text[i] !== "$" || text[i + 1] !== "{") return i + 1;
    this.#open.push({ kind: "substitution", depth });
    return i + 2;
  }

  /** Returns where to go on, or -1 where the rest of the line holds and hides no bracket. */
  #scanCode(text: string, from: number, depth: number): number {
    significant.lastIndex = from;
    if (!significant.test(text)) return -1;
    const i = significant.lastIndex - 1;
    switch (text[i]) {
      case "(":
      case "[":
      case "{":
        this.#open.push({ kind: "bracket", depth });
        return i + 1;
      case ")":
      case "]":
      case "}":
        this.#open.pop();
        return i + 1;
      case "`":
        this.#open.push({ kind: "template", depth });
        return i + 1;
      case '"':
      case "'":
        return endOfString(text, i);
      case "/":
        if (text[i + 1] === "/") return -1;
        if (text[i + 1] === "*") {
          this.#inComment = true;
          return i + 2;
        }
        return beforeRegex.test(text.slice(0, i)) ? endOfRegex(text, i) : i + 1;
      default:
        return i + 1;
    }
  }
}

/** What can open, close or hide a bracket. */
const significant = /[()[\]{}`"'/]/g;

function endOfString(text: string, start: number): number {
  const quote = text[start];
  let i = start + 1;
  while (i < text.length && text[i] !== quote) i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

function endOfRegex(text: string, start: number): number {
  let inClass = false;
  let i = start + 1;
  while (i < text.length && (inClass || text[i] !== "/")) {
    if (text[i] === "\\") i++;
    else if (text[i] === "[") inClass = true;
    else if (text[i] === "]") inClass = false;
    i++;
  }
  return i + 1;
}
