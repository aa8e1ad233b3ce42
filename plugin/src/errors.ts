/** Where in the user's protos something is wrong, and what would make it right. */
export interface ErrorPlace {
  /** The proto file: `demo/v1/greeter.proto`. */
  readonly file?: string;
  /** The declaration: `demo.v1.Greeter.SayHello`. */
  readonly symbol?: string;
  /** What to do about it, as a sentence without a full stop. */
  readonly hint?: string;
}

/**
 * A fault in the user's protos or options. It reaches the compiler in `CodeGeneratorResponse.error`, and through it the
 * user. Its `message` is one line: where, what, and what to do.
 */
export class PluginError extends Error {
  override readonly name = "PluginError";
  readonly file: string | undefined;
  readonly symbol: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, at: ErrorPlace = {}) {
    super(oneLine(message, at));
    this.file = at.file;
    this.symbol = at.symbol;
    this.hint = at.hint;
  }
}

/**
 * Bytes that are no CodeGeneratorRequest. That is a fault of whoever called the plugin, not of the user's protos: as
 * plugin.proto asks, it goes to stderr, and the exit code is not 0.
 */
export class MalformedRequestError extends Error {
  override readonly name = "MalformedRequestError";

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      asOneLine(
        `the CodeGeneratorRequest on stdin cannot be parsed (${reason}): run this program as a plugin, by buf generate or protoc`,
      ),
      { cause },
    );
  }
}

function oneLine(message: string, { file, symbol, hint }: ErrorPlace): string {
  const where = [file, symbol].filter((part) => part !== undefined).join(": ");
  return asOneLine(`${where && `${where}: `}${message}${hint === undefined ? "" : `: ${hint}`}`);
}

/** Names out of a hostile descriptor may hold anything; an error is one line all the same. */
function asOneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, " ").trim();
}
