/**
 * Descriptors as they become part of generated code, the same whoever compiles them.
 *
 * protoc leaves options with `retention = RETENTION_SOURCE` out of files to generate, and in doing so writes all options
 * anew, in the order of their numbers. In the files that those import it leaves them as they were written; buf has its
 * own order. So all descriptors are brought here into the form that protoc gives to files to generate.
 */
import type { DescExtension, DescField, DescMessage, FileRegistry } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  FeatureSet_FieldPresence,
  FieldOptions_OptionRetention,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { orMalformed, type ProtoFile, type Request } from "../../read-model.js";
import { createRegistry } from "../../registry.js";
import { bytesField, withoutField } from "../../walk.js";

/** The descriptors of these files in that form, without comments. `registry` has the types of these files at least. */
export function canonicalDescriptors(
  files: readonly ProtoFile[],
  request: Request,
  registry: FileRegistry = createRegistry(files, request),
): ReadonlyMap<ProtoFile, Uint8Array> {
  // Where files use options that some file declares, descriptor.proto is among them, and those are its extensions.
  const type = registry.getMessage(FileDescriptorProtoSchema.typeName) ?? FileDescriptorProtoSchema;
  const canonical = new Canonical(registry);
  return orMalformed(
    () => new Map(files.map((file) => [file, canonical.message(withoutField(file.bytes, bytesField(9)), type)])),
  );
}

type Field = DescField | DescExtension;

/** One field on the wire. */
interface Piece {
  readonly number: number;
  readonly wireType: WireType;
  /** With its tag. */
  readonly whole: Uint8Array;
  /** Without its tag, and without its length where it has one. */
  readonly payload: Uint8Array;
}

class Canonical {
  readonly #registry: FileRegistry;
  readonly #fields = new Map<DescMessage, ReadonlyMap<number, DescField>>();

  constructor(registry: FileRegistry) {
    this.#registry = registry;
  }

  /** The same bytes where there is nothing to do. */
  message(bytes: Uint8Array, type: DescMessage): Uint8Array {
    const pieces = piecesOf(bytes);
    const byNumber = new Map<number, Piece[]>();
    for (const piece of pieces) {
      const some = byNumber.get(piece.number);
      if (some === undefined) byNumber.set(piece.number, [piece]);
      else some.push(piece);
    }
    const parts = [...byNumber]
      .sort(([a], [b]) => a - b)
      .flatMap(([number, some]) => this.#field(some, this.#fieldOf(type, number)));
    const isSame = parts.length === pieces.length && parts.every((part, i) => part === pieces[i]?.whole);
    return isSame ? bytes : Buffer.concat(parts);
  }

  /** All pieces of one field. */
  #field(pieces: readonly Piece[], field: Field | undefined): readonly Uint8Array[] {
    const wholes = pieces.map(({ whole }) => whole);
    if (field === undefined) return wholes;
    if (field.proto.options?.retention === FieldOptions_OptionRetention.RETENTION_SOURCE) return [];
    if (field.message !== undefined && pieces.every(({ wireType }) => wireType === WireType.LengthDelimited)) {
      const message = field.message;
      if (field.fieldKind === "list") return pieces.map((piece) => this.#nested(piece, message));
      if (field.fieldKind === "message") {
        const piece = merged(pieces);
        const payload = this.message(piece.payload, message);
        if (payload === piece.payload) return [piece.whole];
        // Options of which nothing is left go. Other messages stay, and so do options that were empty before.
        const isGone = payload.length === 0 && /^google\.protobuf\.\w+Options$/.test(message.typeName);
        return isGone ? [] : [encode(piece.number, payload)];
      }
    }
    // Each value of a list may have been set by a statement of its own.
    if (field.fieldKind === "list" && field.packed) return [packed(pieces)];
    if (field.fieldKind === "scalar" || field.fieldKind === "enum") {
      const last = pieces[pieces.length - 1]!;
      // A string of zeros is not empty.
      const isZero =
        last.wireType === WireType.LengthDelimited
          ? last.payload.length === 0
          : last.payload.every((byte) => byte === 0);
      return isZero && field.presence === FeatureSet_FieldPresence.IMPLICIT ? [] : [last.whole];
    }
    return wholes;
  }

  #nested(piece: Piece, type: DescMessage): Uint8Array {
    const payload = this.message(piece.payload, type);
    return payload === piece.payload ? piece.whole : encode(piece.number, payload);
  }

  #fieldOf(type: DescMessage, number: number): Field | undefined {
    let fields = this.#fields.get(type);
    if (fields === undefined) {
      fields = new Map(type.fields.map((field) => [field.number, field]));
      this.#fields.set(type, fields);
    }
    return fields.get(number) ?? this.#registry.getExtensionFor(type, number);
  }
}

function piecesOf(bytes: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const afterTag = reader.pos;
    let payload: Uint8Array;
    if (wireType === WireType.LengthDelimited) {
      payload = reader.bytes();
    } else {
      reader.skip(wireType, number);
      payload = bytes.subarray(afterTag, reader.pos);
    }
    pieces.push({ number, wireType, whole: bytes.subarray(start, reader.pos), payload });
  }
  return pieces;
}

/** Messages are merged by putting their bytes in a row. */
function merged(pieces: readonly Piece[]): Piece {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const { number, wireType } = first!;
  const payload = joinedPayloads(pieces);
  return { number, wireType, payload, whole: encode(number, payload) };
}

/** A list's values as one field, as which a part of them may have been written already. */
function packed(pieces: readonly Piece[]): Uint8Array {
  const [first] = pieces;
  const isPacked = pieces.length === 1 && first?.wireType === WireType.LengthDelimited;
  return isPacked ? first.whole : encode(first!.number, joinedPayloads(pieces));
}

function joinedPayloads(pieces: readonly Piece[]): Uint8Array {
  return Buffer.concat(pieces.map(({ payload }) => payload));
}

function encode(number: number, payload: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(payload).finish();
}
