/** Services whose tables carry their descriptors: generated for tests of reflection from protos of fixtures/. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MessageSource, Server, ServiceDesc } from "@trunkline/runtime";
import { root } from "../plugin/compile-protos.js";
import { load } from "../plugin/configured.js";

const paths = [
  "editions/v1/editions.proto",
  "greeter/v1/greeter.proto",
  "greeter/v1/mood.proto",
  "kinds/v1/kinds.proto",
  "proto2/v1/proto2.proto",
  "wkt/v1/wkt.proto",
];

/** What the tests serve, by its path. */
export const describedProtos: { readonly [path: string]: string } = Object.fromEntries(
  paths.map((path) => [path, readFileSync(join(root, "fixtures/proto", path), "utf8")]),
);

type Method = (request: never) => unknown;

/** The modules of one message library, as far as tests use them. */
export interface Described {
  /** The table of a service. */
  desc(service: string): ServiceDesc;
  /** Registers a service that answers with `methods`, and with UNIMPLEMENTED otherwise. */
  register(server: Server, service: string, methods?: { readonly [name: string]: Method }): void;
}

/** Loads what was generated of {@link describedProtos} into a folder. */
export async function loadDescribed(folder: string): Promise<Described> {
  const withServices = paths.filter((path) => /^service /m.test(describedProtos[path] ?? ""));
  const exports = new Map<string, unknown>();
  // One by one: Jest cannot link two modules at a time that import the same third.
  for (const path of withServices) {
    const module = await load(folder, path.replace(/\.proto$/, "_grpc.ts"));
    for (const [name, value] of Object.entries(module)) exports.set(name, value);
  }
  const desc = (service: string) => exports.get(`${service}Desc`) as ServiceDesc;
  return {
    desc,
    register(server, service, methods = {}) {
      const Unimplemented = exports.get(`Unimplemented${service}Server`) as new () => never;
      server.register(desc(service), Object.assign(new Unimplemented(), methods));
    },
  };
}

/** Implementations that the real tool calls: what they answer shows that they understood the request. */
export const implementations: { readonly [service: string]: { readonly [name: string]: Method } } = {
  Kinds: {
    unary: (note: Note) => ({ ...note, text: note.text.toUpperCase() }),
    serverStream: (note: Note) => [note, { ...note, text: "again" }],
    async clientStream(notes: AsyncIterable<Note>) {
      let text = "";
      for await (const note of notes) text += note.text;
      return { text, number: 0n, data: new Uint8Array() };
    },
    bidiStream: (notes: AsyncIterable<Note>): MessageSource<Note> => notes,
  },
  WellKnown: {
    ping: (request: object) => request,
    upper: ({ value }: { readonly value: string }) => ({ value: value.toUpperCase() }),
    mixed: (holders: AsyncIterable<object>): MessageSource<object> => holders,
  },
  Proto2: { exchange: (message: object) => message },
  Editions: { exchange: (message: object) => message },
};

interface Note {
  readonly text: string;
  readonly number: bigint;
  readonly data: Uint8Array;
}
