/** The services of a FileDescriptorProto, with their comments: what read-model.ts reads only of files to generate. */
import type { Doc, FileModel, MessageRef, MethodModel, ServiceModel } from "./model.js";
import { type Comments, commentsOf } from "./read-comments.js";
import type { ProtoFile } from "./read-model.js";
import { requireFullName, requireName } from "./valid-names.js";
import { bytesField, eachField, stringField, varintField } from "./walk.js";

/** Finds a message by its full name; `symbol` is what refers to it. */
export type FindMessage = (fullName: string, symbol: string) => MessageRef;

/** The part of a FileModel that is not at the top of its descriptor. */
export function readServices(file: ProtoFile, find: FindMessage): Pick<FileModel, "deprecated" | "doc" | "services"> {
  const services: Uint8Array[] = [];
  let options: Uint8Array | undefined;
  let sourceInfo: Uint8Array | undefined;
  eachField(file.bytes, (tag, reader) => {
    if (tag === bytesField(6)) services.push(reader.bytes());
    else if (tag === bytesField(8)) options = reader.bytes();
    else if (tag === bytesField(9)) sourceInfo = reader.bytes();
    else return false;
    return true;
  });
  // Comments are most of the bytes of a file, and a file without a service gets no output.
  const comments = services.length === 0 ? noComments : commentsOf(sourceInfo, isOfService);
  if (services.length > 0 && file.package !== "") requireFullName("a package", file.package, file.name);
  return {
    deprecated: readOptions(options, 23).deprecated,
    doc: joinDocs(docAt(comments, "12"), docAt(comments, "14")),
    services: services.map((bytes, index) => readService(bytes, `6,${index}`, file, comments, find)),
  };
}

const noComments: Comments = new Map();

/** The syntax or edition line, a service, or a method: [12], [14], [6, i], [6, i, 2, j]. */
function isOfService(path: readonly number[]): boolean {
  const [first, , third] = path;
  if (path.length === 1) return first === 12 || first === 14;
  return first === 6 && (path.length === 2 || (path.length === 4 && third === 2));
}

function readService(
  bytes: Uint8Array,
  path: string,
  file: ProtoFile,
  comments: Comments,
  find: FindMessage,
): ServiceModel {
  const methods: Uint8Array[] = [];
  let name = "";
  let options: Uint8Array | undefined;
  eachField(bytes, (tag, reader) => {
    if (tag === stringField(1)) name = reader.string();
    else if (tag === bytesField(2)) methods.push(reader.bytes());
    else if (tag === bytesField(3)) options = reader.bytes();
    else return false;
    return true;
  });
  requireName("a service", name, { file: file.name, scope: file.package });
  const typeName = file.package === "" ? name : `${file.package}.${name}`;
  return {
    name,
    typeName,
    doc: docAt(comments, path),
    deprecated: readOptions(options).deprecated,
    methods: methods.map((method, index) =>
      readMethod(method, `${path},2,${index}`, { file: file.name, scope: typeName }, comments, find),
    ),
  };
}

function readMethod(
  bytes: Uint8Array,
  path: string,
  service: { readonly file: string; readonly scope: string },
  comments: Comments,
  find: FindMessage,
): MethodModel {
  let name = "";
  let input = "";
  let output = "";
  let options: Uint8Array | undefined;
  let requestStream = false;
  let responseStream = false;
  eachField(bytes, (tag, reader) => {
    if (tag === stringField(1)) name = reader.string();
    else if (tag === stringField(2)) input = reader.string();
    else if (tag === stringField(3)) output = reader.string();
    else if (tag === bytesField(4)) options = reader.bytes();
    else if (tag === varintField(5)) requestStream = reader.bool();
    else if (tag === varintField(6)) responseStream = reader.bool();
    else return false;
    return true;
  });
  requireName("an rpc", name, service);
  const symbol = `${service.scope}.${name}`;
  return {
    name,
    kind: kindOf(requestStream, responseStream),
    request: find(input, symbol),
    response: find(output, symbol),
    ...readOptions(options),
    doc: docAt(comments, path),
  };
}

function kindOf(requestStream: boolean, responseStream: boolean): MethodModel["kind"] {
  if (requestStream) return responseStream ? "bidiStream" : "clientStream";
  return responseStream ? "serverStream" : "unary";
}

/** What matters in ServiceOptions and MethodOptions, which number `deprecated` alike, and in FileOptions. */
function readOptions(
  bytes: Uint8Array | undefined,
  deprecatedField = 33,
): Pick<MethodModel, "deprecated" | "idempotency"> {
  let deprecated = false;
  let level = 0;
  if (bytes !== undefined) {
    eachField(bytes, (tag, reader) => {
      if (tag === varintField(deprecatedField)) deprecated = reader.bool();
      else if (tag === varintField(34)) level = reader.int32();
      else return false;
      return true;
    });
  }
  return { deprecated, idempotency: (["unknown", "noSideEffects", "idempotent"] as const)[level] ?? "unknown" };
}

const noDoc: Doc = { detached: [], leading: "", trailing: "" };

function docAt(comments: Comments, path: string): Doc {
  return comments.get(path) ?? noDoc;
}

/** A file has a syntax line or an edition line; a descriptor that claims both keeps what both say. */
function joinDocs(a: Doc, b: Doc): Doc {
  return {
    detached: [...a.detached, ...b.detached],
    leading: a.leading + b.leading,
    trailing: a.trailing + b.trailing,
  };
}
