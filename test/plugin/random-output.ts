/** What the plugin makes of random protos: it type-checks, it loads, and its methods can be called. */
import { deepStrictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createFileRegistry, equals, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type ClientChannel, dial, Server, type ServiceDesc } from "@trunkline/runtime";
import fc from "fast-check";
import type { ServiceModel } from "../../plugin/src/model.js";
import { fileServiceNames, methodNames, serviceFileName } from "../../plugin/src/names.js";
import { readRequest } from "../../plugin/src/read-model.js";
import { compileProtos, encodeRequest, filesOf, root } from "./compile-protos.js";
import { type RandomProtos, randomProtos } from "./random-protos.js";
import { generate } from "./responses.js";
import { sampleMessage } from "./sample-message.js";
import { writeTsconfig } from "./tsconfig-of-generated.js";

/** One of the random protos, put through one library. */
interface Subject {
  readonly name: string;
  readonly library: string;
  readonly protos: RandomProtos;
  readonly request: Uint8Array;
  /** Whether callers may leave fields out. */
  readonly takesPartial: boolean;
  /** Why there is no output. */
  readonly error: string;
}

export interface Outcome {
  /** Each with the proto that it is about. */
  readonly faults: readonly string[];
  /** Protos that ts-proto cannot do, and errors that say so. */
  readonly refused: readonly string[];
  readonly called: number;
}

const libraries = ["ts-proto", "protobuf-es"];
const parameters = ["", "requests=full", "descriptors=embed"];

/** Makes `count` pairs of protos of a seed, and all that follows. */
export async function checkRandomProtos(seed: number, count: number): Promise<Outcome> {
  const all = Array.from({ length: count }, (_, i) => fc.sample(randomProtos(i), { seed: seed + i, numRuns: 1 })[0]!);
  const set = compileProtos(Object.assign({}, ...all.map(({ protos }) => protos)));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
  // Inside of the repository, so that what is generated finds @bufbuild/protobuf.
  mkdirSync(join(root, "test/tmp"), { recursive: true });
  const directory = mkdtempSync(join(root, "test/tmp/random "));
  try {
    const subjects: Subject[] = [];
    for (const [i, protos] of all.entries()) {
      for (const library of libraries) subjects.push(await emit(protos, i, library, set, directory));
    }
    const refused = subjects.filter(({ error }) => error !== "");
    const emitted = subjects.filter(({ error }) => error === "");
    const faults = [
      ...refused
        .filter(({ library, error }) => !(library === "ts-proto" ? isRefusal : isRename).test(error))
        .map(inWords("", ({ error }) => error)),
      ...typeErrors(directory, emitted),
    ];
    const calls = faults.length > 0 ? { faults: [], called: 0 } : await callAll(directory, emitted, registry);
    return { faults: [...faults, ...calls.faults], refused: refused.map(({ error }) => error), called: calls.called };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const isRefusal = /^p\d+\/[^\n]*: [^\n]*: [^\n]*use messages=protobuf-es( for it)?$/;
/** Of protoc-gen-es; there are very few. */
const isRename = /^p\d+\/[^\n]*: [\w.]+: [^\n]*protoc-gen-es[^\n]*: rename it$/;

const inWords =
  (what: string, tell: (subject: Subject) => string) =>
  (subject: Subject): string => {
    const text = Object.entries(subject.protos.protos).map(([path, proto]) => `// ${path}\n${proto}`);
    return `${subject.library}: ${subject.name}: ${what}${tell(subject)}\n${text.join("\n")}`;
  };

async function emit(
  protos: RandomProtos,
  index: number,
  library: string,
  set: Uint8Array,
  directory: string,
): Promise<Subject> {
  const parameter = `messages=${library},${parameters[index % parameters.length]}`;
  const request = encodeRequest({ generate: Object.keys(protos.protos), parameter, files: filesOf(set) });
  const { files, error } = await generate(request);
  for (const [name, content] of files) {
    const path = join(directory, library, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  const takesPartial = library === "protobuf-es" || !parameter.includes("requests=full");
  return { name: `p${index}`, library, protos, request, takesPartial, error };
}

function typeErrors(directory: string, subjects: readonly Subject[]): string[] {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", writeTsconfig(directory)], {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (status === 0) return [];
  const lines = stdout.split("\n").filter((line) => line.includes(": error TS"));
  const faults = subjects.flatMap((subject) => {
    const own = lines.filter((line) => line.startsWith(`${subject.library}/${subject.name}/`));
    return own.length === 0 ? [] : [inWords("", () => own.slice(0, 5).join("\n"))(subject)];
  });
  return faults.length > 0 ? faults : [stdout];
}

async function callAll(
  directory: string,
  subjects: readonly Subject[],
  registry: FileRegistry,
): Promise<{ readonly faults: readonly string[]; readonly called: number }> {
  const faults: string[] = [];
  let called = 0;
  for (const library of libraries) {
    const causes: unknown[] = [];
    const server = new Server({ onError: (error) => causes.push(error) });
    const tables: (() => Promise<number>)[] = [];
    let channel: ClientChannel | undefined;
    for (const subject of subjects.filter((one) => one.library === library)) {
      const file = readRequest(subject.request);
      const model = file.readModel(file.files.get(subject.protos.main)!);
      const names = fileServiceNames(model);
      const path = join(directory, library, serviceFileName(subject.protos.main));
      const module = (await import(pathToFileURL(path).href)) as { readonly [name: string]: unknown };
      model.services.forEach((service, i) => {
        const desc = module[names[i]!.desc] as Table;
        const client = module[names[i]!.createClient] as (channel: ClientChannel) => Client;
        const methods = methodNames(model, service);
        const faultOf = (what: string, error: unknown) =>
          inWords(what, () => (error instanceof Error ? (error.stack ?? error.message) : String(error)))(subject);
        try {
          server.register(desc as unknown as ServiceDesc<object>, implementation(desc, service, methods, registry));
          tables.push(async () => {
            let calls = 0;
            for (const [m, method] of methods.entries()) {
              try {
                await call(client(channel!), desc, service.methods[m]!, method, registry, subject.takesPartial);
                calls++;
              } catch (error) {
                faults.push(faultOf(`${service.name}.${method}: `, causes.pop() ?? error));
              }
            }
            return calls;
          });
        } catch (error) {
          faults.push(faultOf(`${service.name}: `, error));
        }
      });
    }
    const { address } = await server.listen("127.0.0.1:0");
    channel = dial(address);
    for (const table of tables) called += await table();
    await channel.close();
    await server.shutdown();
  }
  return { faults, called };
}

/** A table, whatever its messages are. */
type Table = Omit<ServiceDesc<{ readonly [method: string]: unknown }>, "methods"> & {
  readonly methods: { readonly [method: string]: Entry };
};
interface Entry {
  readonly request: AnyCodec;
  readonly response: AnyCodec;
}
interface AnyCodec {
  encode(message: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}
type Method = ServiceModel["methods"][number];
type Client = { readonly [method: string]: (request: unknown) => unknown };

/** Checks what it is asked, and answers with a message in which all is set. */
function implementation(
  desc: Table,
  service: ServiceModel,
  methods: readonly string[],
  registry: FileRegistry,
): { readonly [method: string]: unknown } {
  return Object.fromEntries(
    service.methods.map((method, i) => [methods[i]!, answerTo(method, desc.methods[methods[i]!]!, registry)]),
  );
}

function answerTo(method: Method, { request, response }: Entry, registry: FileRegistry): unknown {
  const check = (message: unknown) => {
    const bytes = request.encode(message);
    // The call with an empty message.
    if (bytes.length > 0) requireSample(bytes, method.request.typeName, registry);
  };
  const answer = () => response.decode(sampleBytes(method.response.typeName, registry));
  const answerOne = (message: unknown) => {
    check(message);
    return answer();
  };
  const answerMany = async (messages: AsyncIterable<unknown>) => {
    await checkAll(messages, check);
    return answer();
  };
  const answers: { readonly [kind in Method["kind"]]: unknown } = {
    unary: answerOne,
    serverStream: (message: unknown) => [answerOne(message), answer()],
    clientStream: answerMany,
    bidiStream: async function* (messages: AsyncIterable<unknown>) {
      yield await answerMany(messages);
      yield answer();
    },
  };
  return answers[method.kind];
}

async function call(
  client: Client,
  desc: Table,
  model: Method,
  method: string,
  registry: FileRegistry,
  takesPartial: boolean,
): Promise<void> {
  const { request: requestCodec, response: responseCodec } = desc.methods[method]!;
  const request = requestCodec.decode(sampleBytes(model.request.typeName, registry));
  const streamsRequests = model.kind === "clientStream" || model.kind === "bidiStream";
  const streamsResponses = model.kind === "serverStream" || model.kind === "bidiStream";
  const reply = client[method]!(streamsRequests ? [request, request] : request);
  const check = (message: unknown) => requireSample(responseCodec.encode(message), model.response.typeName, registry);
  if (streamsResponses) await checkAll(reply as AsyncIterable<unknown>, check);
  else check(await reply);
  // What is left out is not found elsewhere, as a field called toString might be.
  if (model.kind === "unary" && takesPartial) check(await client[method]!({}));
}

async function checkAll(messages: AsyncIterable<unknown>, check: (message: unknown) => void): Promise<void> {
  let count = 0;
  for await (const message of messages) {
    check(message);
    count++;
  }
  deepStrictEqual(count, 2);
}

function sampleBytes(typeName: string, registry: FileRegistry): Uint8Array {
  const type = registry.getMessage(typeName)!;
  return toBinary(type, sampleMessage(type));
}

/** Whether bytes of ours are, for @bufbuild/protobuf, the message that they should be. */
function requireSample(bytes: Uint8Array, typeName: string, registry: FileRegistry): void {
  const type = registry.getMessage(typeName)!;
  const message = fromBinary(type, bytes);
  const sample = sampleMessage(type);
  if (equals(type, message, sample)) return;
  deepStrictEqual(message, sample);
  throw new Error(`${typeName} is not what it was`);
}
