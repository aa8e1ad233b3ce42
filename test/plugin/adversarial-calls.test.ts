/** Every rpc of fixtures/proto/adversarial and fixtures/proto-es/adversarial, called by the names that are documented. */
import { join } from "node:path";
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  equals,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  type Channel,
  type ClientChannel,
  Code,
  type DialOptions,
  dial,
  type MethodDesc,
  Server,
  type ServiceDesc,
  type ServiceRegistrar,
} from "@trunkline/runtime";
import { collect } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";
import { compileProtos, readAll, root } from "./compile-protos.js";

type Exports = { readonly [name: string]: unknown };
type Client = { readonly [method: string]: (request: unknown) => Promise<unknown> | AsyncIterable<unknown> };

/** The exports of one service, by the names that docs/generated-code.md gives them. */
interface Service {
  readonly desc: ServiceDesc;
  readonly createClient: (channel: Channel) => Client;
  readonly sharedClient: (target: string, options: DialOptions) => Client;
  readonly Unimplemented: new () => { readonly [method: string]: (request: unknown) => unknown };
  readonly handlers: { readonly [method: string]: unknown };
  readonly register: (server: ServiceRegistrar, impl: object) => void;
}

const protos = {
  ...readAll(join(root, "fixtures/proto"), ".proto"),
  ...readAll(join(root, "fixtures/proto-es"), ".proto"),
};
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, compileProtos(protos)));

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

describe.each([
  ["ts-proto", 10],
  ["protobuf-es", 11],
])("with messages=%s", (library, files) => {
  test("each service has all that it exports, under its own name", async () => {
    const services = await servicesOf(library);
    expect(new Set(services.map(({ file }) => file)).size).toBe(files);
    for (const { desc, Unimplemented, handlers } of services) {
      const methods = Object.keys(desc.methods);
      expect(methods.length).toBeGreaterThan(0);
      expect(Object.keys(handlers)).toEqual(methods);
      const server = new Unimplemented();
      for (const method of methods) {
        expect(() => server[method]!({})).toThrow(expect.objectContaining({ code: Code.UNIMPLEMENTED }));
      }
    }
  });

  test("the tables are definitions that a server of grpc-js takes", async () => {
    const server = new grpc.Server();
    for (const { desc } of await servicesOf(library)) {
      const implementations = Object.keys(desc.methods).map((name) => [name, () => {}] as const);
      server.addService(desc.methods as unknown as grpc.ServiceDefinition, Object.fromEntries(implementations));
    }
    server.forceShutdown();
  });

  test("a service without methods is called and registered as any other, but not taken by grpc-js", async () => {
    const exports = (await import(join(root, "fixtures/golden", library, "greeter/v1/greeter_grpc.ts"))) as Exports;
    const { desc, createClient, register } = serviceOf(exports, "SilentGreeter", "greeter.v1.SilentGreeter");
    const server = new Server();
    register(server, {});
    const { address } = await server.listen("127.0.0.1:0");
    const channel = dial(address);
    open.push(
      () => channel.close(),
      () => server.shutdown(),
    );
    expect(createClient(channel)).toEqual({});
    await channel.waitForReady();
    const theirs = new grpc.Server();
    expect(() => theirs.addService(desc.methods as unknown as grpc.ServiceDefinition, {})).toThrow("empty service");
    theirs.forceShutdown();
  });

  describe.each(transports)("on $name", ({ transport }) => {
    test("each rpc is called, and answers", async () => {
      const services = await servicesOf(library);
      const server = new Server({ transport });
      for (const { desc, register } of services) register(server, implementationOf(desc));
      const { address } = await server.listen("127.0.0.1:0");
      const channel: ClientChannel = dial(address, { transport });
      open.push(
        () => channel.close(),
        () => server.shutdown(),
      );

      const kinds = new Set<string>();
      for (const { desc, createClient, sharedClient } of services) {
        const client = createClient(channel);
        const shared = sharedClient(address, { transport });
        expect(Object.keys(client)).toEqual(Object.keys(desc.methods));
        for (const [name, method] of Object.entries(desc.methods)) {
          await expectAnswer(method, client[name]!);
          if (!kinds.has(method.kind)) await expectAnswer(method, shared[name]!);
          kinds.add(method.kind);
        }
      }
      expect([...kinds].sort()).toEqual(["bidiStream", "clientStream", "serverStream", "unary"]);
    }, 120_000);
  });
});

async function servicesOf(library: string): Promise<(Service & { readonly file: string })[]> {
  const golden = join(root, "fixtures/golden", library);
  const services: (Service & { readonly file: string })[] = [];
  for (const file of registry.files) {
    const proto = file.proto.name;
    if (!proto.startsWith("adversarial/") || (library === "ts-proto" && proto === "adversarial/refused.proto"))
      continue;
    const exports = (await import(join(golden, proto.replace(/\.proto$/, "_grpc.ts")))) as Exports;
    for (const { name, typeName } of file.services)
      services.push({ file: proto, ...serviceOf(exports, name, typeName) });
  }
  return services;
}

/** All names of a service end in as many `$` as it needs for them to be its own. */
function serviceOf(exports: Exports, name: string, typeName: string): Service {
  const suffix = ["", "$", "$$", "$$$"].find((one) => {
    const desc = exports[`${name}Desc${one}`] as ServiceDesc | undefined;
    return desc?.serviceName === typeName;
  });
  const lower = name.replace(/^_*[A-Z]/, (start) => start.toLowerCase());
  const get = (stem: string) => {
    const value = exports[stem + suffix];
    if (value === undefined) throw new Error(`${typeName} has no ${stem}${suffix}`);
    return value;
  };
  return {
    desc: get(`${name}Desc`) as Service["desc"],
    createClient: get(`${lower}Client`) as Service["createClient"],
    sharedClient: get(`shared${name}Client`) as Service["sharedClient"],
    Unimplemented: get(`Unimplemented${name}Server`) as Service["Unimplemented"],
    handlers: get(`${lower}Handlers`) as Service["handlers"],
    register: get(`register${name}Server`) as Service["register"],
  };
}

/** Sends back what came; where that is another message, its text. */
function implementationOf({ methods }: ServiceDesc): object {
  const entries = Object.entries(methods).map(([name, { kind, request, response }]) => {
    const answer = (message: unknown) =>
      request.typeName === response.typeName ? (message as object) : { text: (message as { text: string }).text };
    const answers = async (messages: AsyncIterable<unknown>) => (await collect(messages)).map(answer);
    const implementations: { readonly [Kind in MethodDesc["kind"]]: (received: never) => unknown } = {
      unary: answer,
      serverStream: (message) => [answer(message)],
      clientStream: async (messages) => (await answers(messages))[0],
      async *bidiStream(messages) {
        yield* await answers(messages);
      },
    };
    return [name, implementations[kind]] as const;
  });
  return Object.fromEntries(entries);
}

async function expectAnswer(method: MethodDesc, call: Client[string]): Promise<void> {
  const { request, response, kind } = method;
  const sent = filled(messageOf(request.typeName));
  const message = request.decode(toBinary(messageOf(request.typeName), sent));
  const received = call(kind === "clientStream" || kind === "bidiStream" ? [message] : message);
  const all = Symbol.asyncIterator in received ? await collect(received) : [await received];
  expect(all).toHaveLength(1);
  const schema = messageOf(response.typeName);
  const answer = fromBinary(schema, response.encode(all[0] as never));
  const isEqual =
    request.typeName === response.typeName
      ? equals(schema, answer, sent)
      : textOf(answer) === textOf(sent) && textOf(sent) !== "";
  if (!isEqual) throw new Error(`${method.path} answers ${JSON.stringify(answer)} to ${JSON.stringify(sent)}`);
}

function messageOf(typeName: string): DescMessage {
  const schema = registry.getMessage(typeName);
  if (schema === undefined) throw new Error(`there is no ${typeName}`);
  return schema;
}

function textOf(message: Message): unknown {
  return (message as Message & { readonly text?: string }).text;
}

/** A message with something in each of its fields; of a oneof, in the last. */
function filled(schema: DescMessage, depth = 0): Message {
  const message = create(schema);
  const fields = reflect(schema, message);
  for (const field of schema.fields) {
    const value = contentOf(field, depth);
    if (value === undefined) continue;
    if (field.fieldKind === "list") fields.get(field).add(value);
    else if (field.fieldKind === "map") fields.get(field).set("key", value);
    else fields.set(field, value);
  }
  return message;
}

function contentOf(field: DescField, depth: number): unknown {
  if (field.message !== undefined)
    return depth < 2 ? reflect(field.message, filled(field.message, depth + 1)) : undefined;
  if (field.enum !== undefined) return field.enum.values.at(-1)?.number;
  return `${field.name}!`;
}
