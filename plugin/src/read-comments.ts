/** Comments out of a SourceCodeInfo, which has a location for every token of a file: only some are read. */
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Doc } from "./model.js";
import { bytesField, eachField, stringField } from "./walk.js";

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
    const location = readLocation(reader.bytes(), wanted);
    // Some locations share a path (extend blocks); no more than one of them can be a service or a method.
    if (location !== undefined) comments.set(location.path.join(), location.doc);
    return true;
  });
  return comments;
}

function readLocation(
  bytes: Uint8Array,
  wanted: (path: readonly number[]) => boolean,
): { readonly path: readonly number[]; readonly doc: Doc } | undefined {
  let path: readonly number[] = [];
  let leading = "";
  let trailing = "";
  const detached: string[] = [];
  eachField(bytes, (tag, reader) => {
    if (tag === bytesField(1)) path = readPath(reader);
    else if (tag === stringField(3)) leading = reader.string();
    else if (tag === stringField(4)) trailing = reader.string();
    else if (tag === stringField(6)) detached.push(reader.string());
    else return false;
    return true;
  });
  if ((leading === "" && trailing === "" && detached.length === 0) || !wanted(path)) return undefined;
  return { path, doc: { detached, leading, trailing } };
}

function readPath(reader: BinaryReader): number[] {
  const path: number[] = [];
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) path.push(reader.int32());
  return path;
}
