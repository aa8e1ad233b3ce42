/** `validate`: no message that breaks the rules gets through. `protovalidate`: the rules that stand in the proto. */
import { readFileSync } from "node:fs";
import {
  clone,
  create,
  createFileRegistry,
  createRegistry,
  fromBinary,
  type Registry,
  setExtension,
} from "@bufbuild/protobuf";
import { FieldOptionsSchema, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import {
  FieldRulesSchema,
  field,
  file_buf_validate_validate,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, type Codec, dial, RpcError, Server } from "@trunkline/runtime";
import { protovalidate } from "@trunkline/runtime/interceptors/protovalidate";
import { type Check, validate } from "@trunkline/runtime/interceptors/validate";
import { protobufEs } from "@trunkline/runtime/protobuf-es";
import * as es from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_grpc.js";
import { file_kinds_v1_kinds } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_pb.js";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import type { KindsClient, KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { compileProtos } from "../plugin/compile-protos.js";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await stopKinds();
});

/** The real proto of google, compiled by protoc. */
const badRequest = ((): Codec<object, object> => {
  const name = "google/rpc/error_details.proto";
  const files = compileProtos({ [name]: readFileSync(`node_modules/google-proto-files/${name}`, "utf8") });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, files));
  return protobufEs(registry.getMessage("google.rpc.BadRequest")!) as Codec<object, object>;
})();

const violation = (field: string, description: string) => ({ field, description });

const noBad: Check = (message) => ((message as Note).text === "bad" ? "bad is not allowed" : undefined);

const calls: [string, (client: KindsClient) => Promise<unknown>][] = [
  ["unary", (client) => client.unary({ text: "bad" })],
  ["serverStream", (client) => collect(client.serverStream({ text: "bad" }))],
  ["clientStream", (client) => client.clientStream([{ text: "good" }, { text: "bad" }])],
  ["bidiStream", (client) => collect(client.bidiStream([{ text: "good" }, { text: "bad" }]))],
];

describe.each(transports)("validate on $name", ({ transport }) => {
  describe.each(["client", "server"])("at a %s", (side) => {
    test.each(calls)("%s: a bad request is INVALID_ARGUMENT", async (_kind, start) => {
      const handled: string[] = [];
      const take = async (requests: AsyncIterable<Note>) => {
        for await (const { text } of requests) handled.push(text);
      };
      const methods: Partial<KindsServer> = {
        unary: ({ text }) => ({ number: BigInt(handled.push(text)) }),
        serverStream: ({ text }) => [{ number: BigInt(handled.push(text)) }],
        clientStream: async (requests) => take(requests).then(() => ({})),
        // biome-ignore lint/correctness/useYield: it is about requests.
        async *bidiStream(requests) {
          await take(requests);
        },
      };
      const kinds = await startKinds(transport, methods, { interceptors: side === "server" ? [validate(noBad)] : [] });
      const client = kinds.dial({ interceptors: side === "client" ? [validate(noBad)] : [] });
      await expect(start(client)).rejects.toMatchObject({
        code: Code.INVALID_ARGUMENT,
        details: "kinds.v1.Note is not valid: bad is not allowed",
      });
      expect(handled).not.toContain("bad");
    });

    test("a bad response is INTERNAL, where responses are checked", async () => {
      const methods: Partial<KindsServer> = {
        unary: () => ({ text: "bad" }),
        serverStream: () => [{ text: "good" }, { text: "bad" }],
      };
      const checks = (responses: boolean) => [validate(noBad, { responses })];
      const kinds = await startKinds(transport, methods, { interceptors: side === "server" ? checks(true) : [] });
      const client = kinds.dial({ interceptors: side === "client" ? checks(true) : [] });
      const expected = { code: Code.INTERNAL, details: "kinds.v1.Note is not valid: bad is not allowed" };
      await expect(client.unary({})).rejects.toMatchObject(expected);
      await expect(collect(client.serverStream({}))).rejects.toMatchObject(expected);
      const unchecked = await startKinds(transport, methods, { interceptors: checks(false) });
      expect(await unchecked.client.unary({})).toMatchObject({ text: "bad" });
    });
  });

  const verdicts: [string, Check, Code | undefined, RegExp][] = [
    ["nothing", () => {}, undefined, /./],
    ["true", () => true, undefined, /./],
    ["no violations", async () => [], undefined, /./],
    ["a text, later", async () => "late", Code.INVALID_ARGUMENT, /: late$/],
    [
      "violations",
      () => [
        { field: "a.b", description: "too long" },
        { field: "", description: "odd" },
      ],
      Code.INVALID_ARGUMENT,
      /kinds.v1.Note is not valid: a\.b: too long; odd$/,
    ],
    [
      "an RpcError",
      () => {
        throw new RpcError(Code.OUT_OF_RANGE, "far");
      },
      Code.OUT_OF_RANGE,
      /^far$/,
    ],
    ["nonsense", () => 5 as never, Code.INTERNAL, /check must return undefined, a text or violations, not 5/],
  ];
  test.each(verdicts)("a check that says %s", async (_what, check, code, details) => {
    const { client } = await startKinds(transport, { unary: () => ({}) }, { interceptors: [validate(check)] });
    const reply = client.unary({});
    if (code === undefined) await expect(reply).resolves.toBeDefined();
    else await expect(reply).rejects.toMatchObject({ code, details: expect.stringMatching(details) });
  });

  test("a caller reads the violations as google.rpc.BadRequest", async () => {
    const violations = [
      { field: "text", description: "is too long" },
      { field: "data", description: "is missing" },
    ];
    const { client } = await startKinds(
      transport,
      { unary: () => ({}) },
      { interceptors: [validate(() => violations)] },
    );
    const error: RpcError = await client.unary({}).then(
      () => expect(true).toBe("a failure"),
      (thrown) => thrown,
    );
    expect(error.statusDetails.find(badRequest)).toMatchObject({ fieldViolations: violations });
  });

  test.each<[string, Check, number]>([
    ["thousands of violations", () => Array.from({ length: 5000 }, (_, i) => violation(`items[${i}]`, "odd")), 5000],
    ["a violation of great length", () => [violation("a", "é".repeat(100_000)), violation("b", "odd")], 2],
    ["a text of great length", () => "é".repeat(100_000), 1],
  ])("%s: as many as trailers have room for, and how many more there are", async (_what, check, all) => {
    const { client } = await startKinds(transport, { unary: () => ({}) }, { interceptors: [validate(check)] });
    const error: RpcError = await client.unary({}, { timeoutMs: 5000 }).then(
      () => expect(true).toBe("a failure"),
      (thrown) => thrown,
    );
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    const told = (error.statusDetails.find(badRequest) as { fieldViolations: object[] }).fieldViolations;
    expect(told.length).toBeGreaterThan(0);
    if (told.length < all) expect(error.details).toMatch(new RegExp(`; and ${all - told.length} more$`));
    expect(Buffer.byteLength(error.details)).toBeLessThan(2000);
  });

  test("a check hears what it looks at", async () => {
    const heard: string[] = [];
    const check: Check = (_message, { method, direction, typeName }) => {
      heard.push(`${method.name} ${direction} ${typeName}`);
    };
    const { client } = await startKinds(
      transport,
      { unary: () => ({}) },
      { interceptors: [validate(check, { responses: true })] },
    );
    await client.unary({});
    expect(heard).toEqual(["Unary request kinds.v1.Note", "Unary response kinds.v1.Note"]);
  });
});

/** The kinds proto, with a rule on the text of a note. */
function ruled(): Registry {
  const proto = clone(FileDescriptorProtoSchema, file_kinds_v1_kinds.proto);
  proto.dependency.push(file_buf_validate_validate.proto.name);
  const text = proto.messageType[0]!.field[0]!;
  text.options = create(FieldOptionsSchema);
  const rules = create(FieldRulesSchema, { type: { case: "string", value: { minLen: 2n, maxLen: 4n } } });
  setExtension(text.options, field, rules);
  return createFileRegistry(proto, (name) =>
    name === file_buf_validate_validate.proto.name ? file_buf_validate_validate : undefined,
  );
}

describe.each(transports)("protovalidate on $name", ({ transport }) => {
  async function connect(registry: Registry, side: string): Promise<es.KindsClient> {
    const interceptors = [protovalidate({ registry, responses: true })];
    const server = new Server({ transport, interceptors: side === "server" ? interceptors : [] });
    const methods: Partial<es.KindsServer> = {
      unary: ({ text }) => ({ text: text === "long" ? "too long" : text }),
      clientStream: async (requests) => ({ text: `${(await collect(requests)).length} notes`.slice(0, 3) }),
    };
    es.registerKindsServer(server, Object.assign(new es.UnimplementedKindsServer(), methods));
    const { address } = await server.listen("127.0.0.1:0");
    const channel = dial(address, { transport, interceptors: side === "client" ? interceptors : [] });
    stops.push(
      () => channel.close(),
      () => server.shutdown(),
    );
    return es.kindsClient(channel);
  }

  test.each(["client", "server"])("at a %s: requests, streams of them, responses", async (side) => {
    const client = await connect(ruled(), side);
    expect(await client.unary({ text: "fine" })).toMatchObject({ text: "fine" });
    await expect(client.unary({ text: "x" })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^kinds\.v1\.Note is not valid: text: .*at least 2/),
    });
    expect(await client.clientStream([{ text: "ab" }, { text: "cd" }])).toMatchObject({ text: "2 n" });
    await expect(client.clientStream([{ text: "ab" }, { text: "x" }])).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
    await expect(client.unary({ text: "long" })).rejects.toMatchObject({ code: Code.INTERNAL });
  });

  test("a message that the registry does not know does not get through", async () => {
    const client = await connect(createRegistry(file_buf_validate_validate), "server");
    await expect(client.unary({ text: "fine" })).rejects.toMatchObject({
      code: Code.INTERNAL,
      details: "protovalidate(): kinds.v1.Note is not in the registry: add its file to it",
    });
  });
});

test("validate() refuses what is no function", () => {
  expect(() => validate(undefined as never)).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
});
