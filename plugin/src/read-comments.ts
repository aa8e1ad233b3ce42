/** Comments out of a SourceCodeInfo, which has a location for every token of a file: only some are read. */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Doc } from "./model.js";
import { bytesField, eachField, eachFieldOfValue, stringField } from "./walk.js";

/** By path, its numbers joined with commas: `6,0,2,1` is the second method of the first service. */
export type Comments = ReadonlyMap<string, Doc>;

/** The comments of all locations whose path `wanted` takes and that have one. */
export function commentsOf(
  sourceInfo: Uint8Array | undefined,
  wanted: (path: readonly number[]) => boolean = () => true,
): Comments {
  const comments = new Map<string, Doc>();
  if (sourceInfo === undefined) return comments;
  eachField(sourceInfo, (tag, reader) => {
    if (tag !== bytesField(1)) return false;
    const location = readLocation(reader, wanted);
    // Some locations share a path (extend blocks); no more than one of them can be a service or a method.
    if (location !== undefined) comments.set(location.path.join(), location.doc);
    return true;
  });
  return comments;
}

/** Nineteen of twenty locations have no comment, and what it costs to find that out is most of reading a file. */
function readLocation(
  reader: BinaryReader,
  wanted: (path: readonly number[]) => boolean,
): { readonly path: readonly number[]; readonly doc: Doc } | undefined {
  let pathAt = -1;
  let leading = "";
  let trailing = "";
  const detached: string[] = [];
  eachFieldOfValue(reader, (tag) => {
    if (tag === bytesField(1)) pathAt = reader.pos;
    if (tag === stringField(3)) leading = plainText(reader.string());
    else if (tag === stringField(4)) trailing = plainText(reader.string());
    else if (tag === stringField(6)) detached.push(plainText(reader.string()));
    else return false;
    return true;
  });
  if (leading === "" && trailing === "" && detached.length === 0) return undefined;
  const path = pathAt < 0 ? [] : readPath(reader, pathAt);
  return wanted(path) ? { path, doc: { detached, leading, trailing } } : undefined;
}

/**
 * With line ends of one kind, and without what no text needs. Compilers do not look into comments, so a proto that was written in Latin-1 arrives with
 * bytes that are no UTF-8, and as U+FFFD: TypeScript 5.4 takes a file for binary that has one near its beginning.
 * Control characters have editors and git do the same. Characters that switch the direction of writing have a reader
 * see a line in another order than tsc, and code where there is a comment (https://trojansource.codes).
 */
export function plainText(comment: string): string {
  return comment.replace(/\r\n?/g, "\n").replace(needless, "").replaceAll("\ufffd", "?");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const needless = /[\0-\x08\v-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

function readPath(reader: BinaryReader, position: number): number[] {
  const after = reader.pos;
  reader.pos = position;
  const path: number[] = [];
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) path.push(reader.int32());
  reader.pos = after;
  return path;
}
