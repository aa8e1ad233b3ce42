/**
 * Names that a compiler lets pass. A descriptor need not be made by one, and its names become names of files and of what
 * these declare: anything else in their places would be a file elsewhere, or code that nobody has seen.
 */
import { PluginError } from "./errors.js";

const compilerFault = "this is a fault of the compiler that runs this plugin";

/** Throws a {@link PluginError} unless `path` is one of a proto: relative, and within the output. */
export function requirePath(path: string): void {
  const isPath = !badInPath.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part.trim()));
  if (isPath) return;
  throw new PluginError(`${JSON.stringify(path)} is no path of a proto`, {
    hint: "it must be relative to an import path, and have no . or .., no \\ and no control character in it",
  });
}

/** Whatever ends a line ends a comment, and a path is in one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const badInPath = /[\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/;

/** Throws a {@link PluginError} unless `name` can be that of a declaration; `scope` is where it is declared. */
export function requireName(kind: string, name: string, at: { readonly file: string; readonly scope: string }): void {
  // protoc calls the entries of a map `_1` within a message "1Entry".
  const isEntry = kind === "a message" && /^\d\w*Entry$/.test(name);
  if (isEntry || /^[A-Za-z_]\w*$/.test(name)) return;
  throw new PluginError(`has ${kind} called ${JSON.stringify(name)}, which is no name`, {
    file: at.file,
    ...(at.scope !== "" && { symbol: at.scope }),
    hint: compilerFault,
  });
}

/** The same for the name of a package, or the full name of a message. */
export function requireFullName(kind: string, name: string, file: string): void {
  if (/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(name)) return;
  throw new PluginError(`has ${kind} called ${JSON.stringify(name)}, which is no name`, { file, hint: compilerFault });
}
