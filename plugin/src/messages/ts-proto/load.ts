/**
 * The parts of ts-proto that are used here; it has no public entry but its program.
 *
 * Required, not imported: of a CommonJS module that is imported, Node first finds out with a lexer what it and all that
 * it requires may export, which takes longer than to load them.
 */
import { createRequire, Module } from "node:module";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Options } from "ts-proto/build/src/options.js";

const require = createRequire(import.meta.url);

/** ts-proto's own copy: another's enums would do, another version's fields would not. */
const nearTsProto = createRequire(require.resolve("ts-proto/package.json"));

/**
 * What ts-proto would load and does not come to use here: a formatter with a native library, and all of protobuf-es
 * behind its wire format. A tenth of a run went into that.
 */
standIn("ts-poet", "dprint-node", {});
standIn("ts-proto-descriptors", "@bufbuild/protobuf/wire", { BinaryReader, BinaryWriter });

/** Has a module find this, and not load it. */
function standIn(user: string, name: string, exports: object): void {
  const file = createRequire(nearTsProto.resolve(user)).resolve(name);
  require.cache[file] ??= Object.assign(new Module(file), { exports, loaded: true });
}

type Context = typeof import("ts-proto/build/src/context.js");
type Main = typeof import("ts-proto/build/src/main.js");
type Settings = typeof import("ts-proto/build/src/options.js");
type Types = typeof import("ts-proto/build/src/types.js");

export const { createFileContext }: Context = require("ts-proto/build/src/context");
export const { generateFile, makeUtils }: Main = require("ts-proto/build/src/main");
export const { getTsPoetOpts, optionsFromParameter }: Settings = require("ts-proto/build/src/options");
export const { createTypeMap }: Types = require("ts-proto/build/src/types");

export type TsProtoSettings = Options;
/** By the full name of a message or an enum, with a dot before it: its module, its name there, and its descriptor. */
export type TypeMap = ReturnType<typeof createTypeMap>;
export type FileDescriptor = Parameters<typeof generateFile>[1];

export const { FileDescriptorProto }: { FileDescriptorProto: { decode(bytes: Uint8Array): FileDescriptor } } =
  nearTsProto("ts-proto-descriptors");

export const { version }: { version: string } = nearTsProto("./package.json");

/** What can stand in a piece of ts-poet's code: text, another piece, or several in a row. */
export type Piece = string | number | boolean | null | undefined | object;

export interface PrintOptions {
  /** Of the file that is printed. */
  readonly path?: string;
  readonly prefix?: string;
  readonly forceRequireImport?: readonly string[];
}

export interface Code {
  readonly literals: readonly string[];
  readonly placeholders: readonly Piece[];
  readonly childNodes: readonly Piece[];
  readonly trim: boolean;
  readonly oneline: boolean;
  toString(options?: PrintOptions): string;
  toCodeString(used: readonly ConditionalOutput[]): string;
  generateCodeWithImports(options: PrintOptions): string;
  generateCode(used: readonly ConditionalOutput[]): string;
  deepFindAll(): [used: ConditionalOutput[], imports: Import[], defs: Def[]];
}

/** A helper that is declared where it is used. */
export interface ConditionalOutput {
  readonly declarationSiteCode: Code;
  readonly childNodes: readonly Piece[];
}

/** The declaration of a helper. */
export interface MaybeOutput {
  readonly parent: ConditionalOutput;
  readonly code: Code;
}

/** A name of another module, and one that the file itself declares. */
export interface Import {
  readonly symbol: string;
}
export interface Def {
  readonly symbol: string;
}

interface Class<T> {
  new (...args: never): T;
  readonly prototype: T;
}

/** ts-poet as ts-proto finds it. */
export const { Code, Def, deepGenerate }: CodeModule = nearTsProto("ts-poet/build/Code");
export const { ConditionalOutput, MaybeOutput }: ConditionalOutputModule = nearTsProto(
  "ts-poet/build/ConditionalOutput",
);
/** The module itself: what it exports is looked up at each call. */
export const imports: ImportModule = nearTsProto("ts-poet/build/Import");
export const { Import } = imports;

interface CodeModule {
  readonly Code: Class<Code>;
  readonly Def: Class<Def>;
  deepGenerate(used: readonly ConditionalOutput[], piece: Piece): string;
}

interface ConditionalOutputModule {
  readonly ConditionalOutput: Class<ConditionalOutput>;
  readonly MaybeOutput: Class<MaybeOutput>;
}

interface ImportModule {
  readonly Import: Class<Import>;
  sameModule(one: string, other: string): boolean;
}

/** The locations of a file's comments, by path, and how ts-proto goes down into them. */
export interface Locations {
  readonly [path: string]: unknown;
}

export interface SourceInfo {
  readonly sourceCode: Locations;
  lookup(type: number, index: number): unknown;
  open(type: number, index: number): SourceInfo;
}

export const SourceInfoClass: {
  new (locations: Locations, self: unknown): SourceInfo;
  readonly prototype: SourceInfo;
} = require("ts-proto/build/src/sourceInfo").default;
