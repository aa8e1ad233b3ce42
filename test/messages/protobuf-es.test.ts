/** Generated code with protobuf-es's messages, called over every transport. */
import { create, type DescMessage, getExtension, isFieldSet, setExtension, toBinary } from "@bufbuild/protobuf";
import {
  anyPack,
  anyUnpack,
  EmptySchema,
  StringValueSchema,
  timestampDate,
  timestampFromDate,
} from "@bufbuild/protobuf/wkt";
import { Code, dial, RpcError, Server } from "@trunkline/runtime";
import { protobufEs } from "@trunkline/runtime/protobuf-es";
import {
  type ClashesServer,
  clashesClient,
  registerClashesServer,
} from "../../fixtures/golden/protobuf-es/clashes/v1/clashes_grpc.js";
import {
  type DelimitedServer,
  delimitedClient,
  registerDelimitedServer,
} from "../../fixtures/golden/protobuf-es/delimited/v1/delimited_grpc.js";
import { Closed, delimited, MessageSchema, text } from "../../fixtures/golden/protobuf-es/delimited/v1/delimited_pb.js";
import {
  type NewestServer,
  newestClient,
  registerNewestServer,
} from "../../fixtures/golden/protobuf-es/edition2024/v1/edition2024_grpc.js";
import {
  type GroupsServer,
  groupsClient,
  registerGroupsServer,
} from "../../fixtures/golden/protobuf-es/groups/v1/groups_grpc.js";
import {
  ExtraSchema,
  extra,
  MessageSchema as GroupsMessageSchema,
  numbers,
} from "../../fixtures/golden/protobuf-es/groups/v1/groups_pb.js";
import {
  type KindsServer,
  kindsClient,
  registerKindsServer,
} from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_grpc.js";
import { NoteSchema } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_pb.js";
import {
  registerWellKnownServer,
  type WellKnownServer,
  wellKnownClient,
} from "../../fixtures/golden/protobuf-es/wkt/v1/wkt_grpc.js";
import { collect } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe.each(transports)("on $name", ({ transport }) => {
  /** A client of an implementation of which a test needs only some methods. */
  async function connect<Impl, Client>(
    register: (server: Server, impl: Impl) => void,
    createClient: (channel: ReturnType<typeof dial>) => Client,
    impl: Partial<Impl>,
  ): Promise<Client> {
    const server = new Server({ transport });
    register(server, impl as Impl);
    const { address } = await server.listen("127.0.0.1:0");
    const channel = dial(address, { transport });
    closers.push(async () => {
      await channel.close();
      await server.shutdown();
    });
    return createClient(channel);
  }

  test("the four kinds carry partial messages, and whole ones", async () => {
    const client = await connect<KindsServer, ReturnType<typeof kindsClient>>(registerKindsServer, kindsClient, {
      unary: ({ text: said, number, data }) => ({ text: said, number: number + 1n, data }),
      serverStream: ({ text: said }) => [{ text: said }, create(NoteSchema, { text: "whole" })],
      async clientStream(requests) {
        return { text: (await collect(requests)).map((note) => note.text).join("+") };
      },
      async *bidiStream(requests) {
        for await (const request of requests) yield request;
      },
    });
    const note = await client.unary({ text: "grüß", number: 2n ** 53n, data: Uint8Array.of(0, 255) });
    expect(note).toMatchObject({ $typeName: "kinds.v1.Note", text: "grüß", number: 2n ** 53n + 1n });
    expect([...note.data]).toEqual([0, 255]);
    expect(await client.unary({})).toMatchObject({ text: "", number: 1n });
    expect((await collect(client.serverStream({ text: "a" }))).map((one) => one.text)).toEqual(["a", "whole"]);
    expect(await client.clientStream([{ text: "a" }, create(NoteSchema, { text: "b" })])).toMatchObject({
      text: "a+b",
    });
    expect((await collect(client.bidiStream([{ text: "x" }, {}]))).map((one) => one.text)).toEqual(["x", ""]);
  });

  test("edition 2023: delimited fields, extensions, presence, closed enums, defaults", async () => {
    const client = await connect<DelimitedServer, ReturnType<typeof delimitedClient>>(
      registerDelimitedServer,
      delimitedClient,
      {
        exchange: (request) => request,
        stream: (requests) => requests,
      },
    );
    const inner = { required: -1n };
    const message = create(MessageSchema, {
      self: { ...inner, number: 0n },
      list: [inner, { ...inner, prefixed: inner }],
      prefixed: inner,
      required: 2n ** 62n,
      closed: Closed.TWO,
      expanded: [1, 2],
      map: { "7": inner },
      one: { case: "inner", value: inner },
    });
    setExtension(message, text, "an extension");
    setExtension(message, delimited, create(MessageSchema, inner));
    const reply = await client.exchange(message);
    expect(reply).toEqual({ ...message, $unknown: reply.$unknown });
    expect(getExtension(reply, text)).toBe("an extension");
    expect(getExtension(reply, delimited)).toMatchObject(inner);
    expect(isFieldSet(reply.self!, MessageSchema.field.number)).toBe(true);
    expect(reply).toMatchObject({ number: 7n });
    expect(isFieldSet(reply, MessageSchema.field.number)).toBe(false);
    // Wire type 3 is how a delimited field begins.
    expect([...toBinary(MessageSchema, reply)].slice(0, 1)).toEqual([(1 << 3) | 3]);
    const streamed = await collect(client.stream([inner, { required: 5n }]));
    expect(streamed.map(({ required }) => required)).toEqual([-1n, 5n]);
  });

  test("a required field that is missing fails the call with its name", async () => {
    const client = await connect<DelimitedServer, ReturnType<typeof delimitedClient>>(
      registerDelimitedServer,
      delimitedClient,
      { exchange: (request) => request, stream: (requests) => requests },
    );
    const error = await client.exchange({}).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: Code.INTERNAL, details: expect.stringContaining("delimited.v1.Message") });
    expect(error.details).toContain("required");
  });

  test("edition 2024, with a well-known request and a response of another edition", async () => {
    const client = await connect<NewestServer, ReturnType<typeof newestClient>>(registerNewestServer, newestClient, {
      exchange: ({ text: said, number, hidden }) => ({ text: said, number, flag: hidden?.flag === true }),
      at: (when) => ({
        required: BigInt(timestampDate(when).getTime()),
        one: { case: "data", value: new Uint8Array() },
      }),
    });
    const reply = await client.exchange({ text: "x", number: 2n ** 64n - 1n, hidden: { flag: true } });
    expect(reply).toMatchObject({ text: "x", number: 2n ** 64n - 1n, flag: true });
    expect(await client.at(timestampFromDate(new Date(1234)))).toMatchObject({
      required: 1234n,
      one: { case: "data" },
    });
  });

  test("proto2: groups, required fields, defaults, extensions that are groups", async () => {
    const client = await connect<GroupsServer, ReturnType<typeof groupsClient>>(registerGroupsServer, groupsClient, {
      exchange: (request) => request,
    });
    const message = create(GroupsMessageSchema, { id: 0n, part: { text: "one" }, parts: [{ data: Uint8Array.of(9) }] });
    setExtension(message, extra, create(ExtraSchema, { text: "in a group" }));
    setExtension(message, numbers, [-1n, 2n ** 62n]);
    const reply = await client.exchange(message);
    expect(reply).toMatchObject({ id: 0n, part: { text: "one" }, limit: Number.POSITIVE_INFINITY });
    expect(reply.parts.map(({ data }) => [...data])).toEqual([[9]]);
    expect([...reply.bytes]).toEqual([1]);
    expect(getExtension(reply, extra)).toMatchObject({ text: "in a group" });
    expect(getExtension(reply, numbers)).toEqual([-1n, 2n ** 62n]);
  });

  test("well-known types as requests and responses", async () => {
    const client = await connect<WellKnownServer, ReturnType<typeof wellKnownClient>>(
      registerWellKnownServer,
      wellKnownClient,
      {
        ping: () => ({}),
        upper: ({ value }) => ({ value: value.toUpperCase() }),
        count: ({ value }) => ({ value: value === 0n }),
        later: ({ seconds, nanos }) => ({ seconds: seconds + 1n, nanos }),
        async merge(all) {
          const [first] = await collect(all);
          return { kind: { case: "structValue", value: first! } };
        },
        pack: ({ value }) => [anyPack(StringValueSchema, create(StringValueSchema, { value: String(value.length) }))],
        paths: ({ paths }) => ({ values: paths.map((path) => ({ kind: { case: "stringValue", value: path } })) }),
        mixed: (requests) => requests,
      },
    );
    expect(await client.ping({})).toEqual(create(EmptySchema));
    expect(await client.upper({ value: "a" })).toMatchObject({ value: "A" });
    // What is falsy is a message all the same.
    expect(await client.upper({ value: "" })).toMatchObject({ value: "" });
    expect(await client.count({ value: 0n })).toMatchObject({ value: true });
    expect(await client.count({ value: 2n ** 60n })).toMatchObject({ value: false });
    expect(await client.later({ seconds: 9n, nanos: 999_999_999 })).toMatchObject({ seconds: 10n, nanos: 999_999_999 });
    const data = { a: 1, b: [true, null, "x"], c: { d: {} } };
    const mixed = await collect(
      client.mixed([{ at: { nanos: 1 }, data, text: "wrapped", any: anyPack(EmptySchema, create(EmptySchema)) }, {}]),
    );
    expect(mixed.map(({ at, text: wrapped, data: struct }) => [at?.nanos, wrapped, struct])).toEqual([
      [1, "wrapped", data],
      [undefined, undefined, undefined],
    ]);
    expect(await client.merge([{ fields: { a: { kind: { case: "numberValue", value: 1 } } } }])).toMatchObject({
      kind: { case: "structValue", value: { fields: { a: { kind: { value: 1 } } } } },
    });
    const [packed] = await collect(client.pack({ value: Uint8Array.of(1, 2, 3) }));
    expect(anyUnpack(packed!, StringValueSchema)).toMatchObject({ value: "3" });
    expect((await client.paths({ paths: ["a.b"] })).values.map(({ kind }) => kind.value)).toEqual(["a.b"]);
  });

  test("names that protobuf-es changes", async () => {
    const client = await connect<ClashesServer, ReturnType<typeof clashesClient>>(
      registerClashesServer,
      clashesClient,
      {
        reserved: () => ({}),
        nested: (request) => ({ number: BigInt(request.text.length) }),
        schemas: () => ({}),
        messages: () => ({}),
        codec: () => ({}),
        myEmpty: () => ({}),
      },
    );
    const replies = await Promise.all([
      client.reserved({}),
      client.nested({ text: "four" }),
      client.schemas({}),
      client.messages({}),
      client.codec({}),
      client.myEmpty({}),
    ]);
    expect(replies.map(({ $typeName }) => $typeName.replace("clashes.v1.", ""))).toEqual([
      ...["delete", "Outer_Inner", "FooSchema", "google.protobuf.Empty", "MessageInitShape", "Promise"],
    ]);
    expect(replies[1]).toMatchObject({ number: 4n });
  });
});

describe("protobufEs", () => {
  test("encodes a message as it is, and what create makes of anything else", () => {
    const codec = protobufEs(NoteSchema);
    const message = create(NoteSchema, { text: "x" });
    expect(codec.typeName).toBe("kinds.v1.Note");
    expect([...codec.encode(message)]).toEqual([...codec.encode({ text: "x" })]);
    expect(codec.decode(codec.encode(message))).toEqual(message);
  });

  test.each([
    ["nothing, as of a module of protobuf-es v1", undefined],
    ["an enum", { kind: "enum", typeName: "x.E" }],
  ])("refuses %s in a typed error of one line", (_, schema) => {
    const error = thrownBy(() => protobufEs(schema as unknown as DescMessage));
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: Code.FAILED_PRECONDITION,
      details: "a _pb module lacks a schema that services need: generate it with @bufbuild/protoc-gen-es v2",
    });
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
