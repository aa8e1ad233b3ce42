/**
 * The parts of ts-proto that are used here; it has no public entry but its program.
 *
 * Required, not imported: of a CommonJS module that is imported, Node first finds out with a lexer what it and all that
 * it requires may export, which takes longer than to load them.
 */
import { createRequire } from "node:module";
import type { Options } from "ts-proto/build/src/options.js";

const require = createRequire(import.meta.url);

type Case = typeof import("ts-proto/build/src/case.js");
type Context = typeof import("ts-proto/build/src/context.js");
type Main = typeof import("ts-proto/build/src/main.js");
type Settings = typeof import("ts-proto/build/src/options.js");
type Types = typeof import("ts-proto/build/src/types.js");
type FieldNames = typeof import("ts-proto/build/src/utils.js");

export const { createFileContext }: Context = require("ts-proto/build/src/context");
export const { generateFile, makeUtils }: Main = require("ts-proto/build/src/main");
export const { getTsPoetOpts, optionsFromParameter }: Settings = require("ts-proto/build/src/options");
export const { maybeSnakeToCamel, uncapitalize }: Case = require("ts-proto/build/src/case");
export const { getFieldName }: FieldNames = require("ts-proto/build/src/utils");
export const { createTypeMap, isWithinOneOfThatShouldBeUnion }: Types = require("ts-proto/build/src/types");

export type TsProtoSettings = Options;
export type FileDescriptor = Parameters<typeof generateFile>[1];

/** ts-proto's own copy: another's enums would do, another version's fields would not. */
const nearTsProto = createRequire(require.resolve("ts-proto/package.json"));

export const { FileDescriptorProto }: { FileDescriptorProto: { decode(bytes: Uint8Array): FileDescriptor } } =
  nearTsProto("ts-proto-descriptors");

export const { version }: { version: string } = nearTsProto("./package.json");

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

/** Shows each message and each enum of a file, by the name that it gets, to one of two functions. */
export const {
  visit,
}: {
  visit(
    file: FileDescriptor,
    source: SourceInfo,
    message: (name: string, message: FileDescriptor["messageType"][number], _: unknown, protoName: string) => void,
    settings: TsProtoSettings,
    enumeration: (name: string, type: FileDescriptor["enumType"][number], _: unknown, protoName: string) => void,
  ): void;
} = require("ts-proto/build/src/visit");
