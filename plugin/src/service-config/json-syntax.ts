/** Says what is wrong with a text that is not JSON, and where: `JSON.parse` does not, in every version of Node.js. */

/** Where a text stops being JSON. */
export interface SyntaxFault {
  /** Both from 1 on. */
  readonly line: number;
  readonly column: number;
  /** What there must be instead: `"," or "}"`. */
  readonly expected: string;
  /** What there is: `"/"`, or `the end of the file`. */
  readonly found: string;
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
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

/** The first fault of a text; undefined where it is JSON. */
export function findSyntaxFault(text: string): SyntaxFault | undefined {
  /** The brackets that are open, from the outermost in. */
  const open: ("]" | "}")[] = [];
  let expected: Expected = "value";
  let offset = 0;

  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset;
    const found = pattern.test(text);
    if (found) offset = pattern.lastIndex;
    return found;
  };
  const take = (character: string): boolean => {
    const found = text[offset] === character;
    if (found) offset++;
    return found;
  };
  const afterValue = (): Expected => {
    const bracket = open.at(-1);
    return bracket === undefined ? "end" : `comma or ${bracket}`;
  };
  const close = (bracket: "]" | "}"): boolean => {
    if (open.at(-1) !== bracket || !take(bracket)) return false;
    open.pop();
    return true;
  };
  const begin = (bracket: "]" | "}"): Expected => {
    open.push(bracket);
    return bracket === "]" ? "value or ]" : "name or }";
  };
  /** What may come after what is here; undefined where this is not what was expected. */
  const step = (): Expected | undefined => {
    switch (expected) {
      case "value or ]":
        if (close("]")) return afterValue();
        return value();
      case "value":
        return value();
      case "name or }":
        if (close("}")) return afterValue();
        return skip(string) ? "colon" : undefined;
      case "name":
        return skip(string) ? "colon" : undefined;
      case "colon":
        return take(":") ? "value" : undefined;
      case "comma or ]":
        if (close("]")) return afterValue();
        return take(",") ? "value" : undefined;
      case "comma or }":
        if (close("}")) return afterValue();
        return take(",") ? "name" : undefined;
      case "end":
        return undefined;
    }
  };
  const value = (): Expected | undefined => {
    if (take("[")) return begin("]");
    if (take("{")) return begin("}");
    return skip(string) || skip(scalar) ? afterValue() : undefined;
  };

  for (;;) {
    skip(space);
    if (expected === "end" && offset === text.length) return undefined;
    const next = step();
    if (next === undefined) return faultAt(text, offset, inWords[expected]);
    expected = next;
  }
}

function faultAt(text: string, offset: number, expected: string): SyntaxFault {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return {
    line: lines.length,
    column: (lines.at(-1) ?? "").length + 1,
    expected,
    found: offset === text.length ? "the end of the file" : JSON.stringify(String.fromCodePoint(text.codePointAt(offset)!)),
  };
}
