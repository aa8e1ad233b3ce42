/**
 * Says what is wrong with a text that should be JSON, and where: `JSON.parse` says where in some cases and some versions
 * of Node.js only, and lets the last of two fields with one name win.
 */

export interface JsonFault {
  /** Both from 1 on. */
  readonly line: number;
  readonly column: number;
  /** What is wrong, and what to do about it. */
  readonly message: string;
  readonly hint: string;
}

/** What may come next: a kind of token, or one of the two that an empty list or object begins with. */
type Expected = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma or ]" | "comma or }" | "end";

const inWords: { readonly [What in Expected]: string } = {
  value: "a value",
  "value or ]": 'a value or "]"',
  name: "a name in double quotes",
  "name or }": 'a name in double quotes or "}"',
  colon: '":"',
  "comma or ]": '"," or "]"',
  "comma or }": '"," or "}"',
  end: "nothing more",
};

const space = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the ones that a string of JSON cannot have.
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The first fault of a text; undefined where it is JSON in which no object has a name twice. */
export function findJsonFault(text: string): JsonFault | undefined {
  const scanner = new Scanner(text);
  let expected: Expected = "value";
  for (;;) {
    scanner.skip(space);
    if (expected === "end" && scanner.offset === text.length) return undefined;
    const start = scanner.offset;
    const next = scanner.step(expected);
    if (next === "twice") return faultAt(text, start, "has this name again", "give each name once");
    if (next === undefined) {
      const found = start === text.length ? "the end of the file" : JSON.stringify(text[start]);
      return faultAt(text, start, "is not JSON", `there must be ${inWords[expected]}, not ${found}`);
    }
    expected = next;
  }
}

/** Goes through a text, token by token. */
class Scanner {
  readonly #text: string;
  /** What is open, from the outermost in: the names so far of an object, `undefined` for a list. */
  readonly #open: (Set<string> | undefined)[] = [];
  offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What may come after what is here; undefined where this is not what was expected. */
  step(expected: Expected): Expected | "twice" | undefined {
    switch (expected) {
      case "value or ]":
        return this.#take("]") ? this.#close() : this.#value();
      case "value":
        return this.#value();
      case "name or }":
        return this.#take("}") ? this.#close() : this.#name();
      case "name":
        return this.#name();
      case "colon":
        return this.#take(":") ? "value" : undefined;
      case "comma or ]":
        if (this.#take("]")) return this.#close();
        return this.#take(",") ? "value" : undefined;
      case "comma or }":
        if (this.#take("}")) return this.#close();
        return this.#take(",") ? "name" : undefined;
      case "end":
        return undefined;
    }
  }

  /** What `pattern` matches here; undefined where it does not. */
  skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  #take(character: string): boolean {
    const found = this.#text[this.offset] === character;
    if (found) this.offset++;
    return found;
  }

  #value(): Expected | undefined {
    if (this.#take("[")) {
      this.#open.push(undefined);
      return "value or ]";
    }
    if (this.#take("{")) {
      this.#open.push(new Set());
      return "name or }";
    }
    return (this.skip(string) ?? this.skip(scalar)) === undefined ? undefined : this.#afterValue();
  }

  #name(): Expected | "twice" | undefined {
    const quoted = this.skip(string);
    if (quoted === undefined) return undefined;
    const name: string = JSON.parse(quoted);
    const names = this.#open.at(-1);
    if (names?.has(name)) return "twice";
    names?.add(name);
    return "colon";
  }

  #close(): Expected {
    this.#open.pop();
    return this.#afterValue();
  }

  #afterValue(): Expected {
    if (this.#open.length === 0) return "end";
    return this.#open.at(-1) === undefined ? "comma or ]" : "comma or }";
  }
}

function faultAt(text: string, offset: number, message: string, hint: string): JsonFault {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1, message, hint };
}
