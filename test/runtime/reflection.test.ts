/** What a server tells of its services: question by question, and as the real `buf curl` understands it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import {
  type ClientChannel,
  Code,
  dial,
  type Interceptor,
  Reply,
  RpcError,
  Server,
  type ServerOptions,
  type ServiceDesc,
} from "@trunkline/runtime";
import { registerHealth } from "@trunkline/runtime/health";
import {
  type ReflectionOptions,
  registerReflection,
  ServerReflectionDesc,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  serverReflectionClient,
} from "@trunkline/runtime/reflection";
import {
  KindsDesc,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { serverReflectionClient as v1AlphaClient } from "../../runtime/src/gen/grpc/reflection/v1alpha/reflection_grpc.js";
import { requestFor, root } from "../plugin/compile-protos.js";
import { removeGenerated, writeGenerated } from "../plugin/configured.js";
import { generate } from "../plugin/responses.js";
import { type Described, describedProtos, implementations, loadDescribed } from "./described.js";
import { transports, wireTransports } from "./transports.js";

const libraries = ["ts-proto", "protobuf-es"] as const;
const described = new Map<string, Described>();

beforeAll(async () => {
  for (const messages of libraries) {
    const response = await generate(requestFor(describedProtos, `messages=${messages},descriptors=embed`));
    described.set(messages, await loadDescribed(writeGenerated(response)));
  }
}, 60_000);

const started: { readonly server: Server; readonly channel: ClientChannel }[] = [];
afterEach(async () => {
  for (const { channel, server } of started.splice(0)) {
    await channel.close();
    await server.shutdown();
  }
});
afterAll(removeGenerated);

interface StartOptions extends Omit<ServerOptions, "transport"> {
  readonly messages?: (typeof libraries)[number];
  readonly services?: readonly string[];
  readonly reflection?: ReflectionOptions;
}

async function start(transport: ServerOptions["transport"], options: StartOptions = {}) {
  const { messages = "ts-proto", services = Object.keys(implementations), reflection, ...more } = options;
  const server = new Server({ transport, ...more });
  const [first, ...others] = services;
  const register = (service: string) => described.get(messages)?.register(server, service, implementations[service]);
  if (first !== undefined) register(first);
  registerReflection(server, reflection);
  // After the reflection service, which has to know of them all the same.
  others.forEach(register);
  const { address } = await server.listen("127.0.0.1:0");
  const channel = dial(address, { transport });
  started.push({ server, channel });
  return { server, channel, address, client: serverReflectionClient(channel) };
}

type Question = ServerReflectionRequest["messageRequest"];
type Client = Pick<ReturnType<typeof serverReflectionClient>, "serverReflectionInfo">;

const list: Question = { $case: "listServices", value: "*" };
const byFile = (value: string): Question => ({ $case: "fileByFilename", value });
const bySymbol = (value: string): Question => ({ $case: "fileContainingSymbol", value });
const byExtension = (containingType: string, extensionNumber: number): Question => ({
  $case: "fileContainingExtension",
  value: { containingType, extensionNumber },
});
const numbersOf = (value: string): Question => ({ $case: "allExtensionNumbersOfType", value });

/** The answers to all, asked on one stream. */
async function ask(client: Client, ...questions: readonly Question[]): Promise<ServerReflectionResponse[]> {
  const requests = questions.map((messageRequest) => ({ host: "a.host", messageRequest }));
  const answers: ServerReflectionResponse[] = [];
  for await (const answer of client.serverReflectionInfo(requests)) answers.push(answer);
  expect(answers.map(({ originalRequest }) => originalRequest)).toEqual(requests);
  expect(answers.every(({ validHost }) => validHost === "a.host")).toBe(true);
  return answers;
}

function namesIn({ messageResponse }: ServerReflectionResponse): readonly string[] | undefined {
  if (messageResponse?.$case !== "listServicesResponse") return undefined;
  return messageResponse.value.service.map(({ name }) => name);
}

function filesIn({ messageResponse }: ServerReflectionResponse): FileDescriptorProto[] {
  if (messageResponse?.$case !== "fileDescriptorResponse") throw new Error(JSON.stringify(messageResponse));
  return messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

const fileNames = (answer: ServerReflectionResponse) => filesIn(answer).map(({ name }) => name);

function errorIn({ messageResponse }: ServerReflectionResponse): readonly [code: number, message: string] | undefined {
  if (messageResponse?.$case !== "errorResponse") return undefined;
  return [messageResponse.value.errorCode, messageResponse.value.errorMessage];
}

const wellKnownImports = ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"].map(
  (name) => `google/protobuf/${name}.proto`,
);

describe.each(transports)("reflection on $name", ({ transport }) => {
  test("lists what is registered, before it and after it, itself included, in both versions", async () => {
    const { client, channel } = await start(transport);
    const expected = [
      "editions.v1.Editions",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "kinds.v1.Kinds",
      "proto2.v1.Proto2",
      "wkt.v1.WellKnown",
    ];
    expect((await ask(client, list)).map(namesIn)).toEqual([expected]);
    expect((await ask(v1AlphaClient(channel), list)).map(namesIn)).toEqual([expected]);
  });

  test("sends a file with all that it imports, and on the same stream nothing but the file twice", async () => {
    const { client } = await start(transport);
    const wkt = "wkt/v1/wkt.proto";
    const [first, again, part, service] = await ask(
      client,
      ...[byFile(wkt), byFile(wkt), byFile("google/protobuf/any.proto"), bySymbol("kinds.v1.Kinds")],
    );
    expect(fileNames(first!)).toEqual([wkt, ...wellKnownImports]);
    expect(fileNames(again!)).toEqual([wkt]);
    expect(fileNames(part!)).toEqual(["google/protobuf/any.proto"]);
    expect(fileNames(service!)).toEqual(["kinds/v1/kinds.proto"]);
    const [onAnotherStream] = await ask(client, bySymbol("wkt.v1.Holder"));
    expect(fileNames(onAnotherStream!)).toHaveLength(8);
  });

  test("the files of an answer are whole: a registry of them has all types", async () => {
    const { client } = await start(transport);
    for (const service of ["wkt.v1.WellKnown", "proto2.v1.Proto2", "editions.v1.Editions"]) {
      const [answer] = await ask(client, bySymbol(service));
      const file = filesIn(answer!).reverse();
      const registry = createFileRegistry({ $typeName: "google.protobuf.FileDescriptorSet", file });
      expect(registry.getService(service)?.methods.every(({ input }) => registry.getMessage(input.typeName))).toBe(
        true,
      );
      expect(file.every(({ sourceCodeInfo }) => sourceCodeInfo === undefined)).toBe(true);
    }
  });

  test("every name of every file leads to it", async () => {
    const { client } = await start(transport, { services: ["Greeter", ...Object.keys(implementations)] });
    const answers = await ask(client, ...Object.keys(describedProtos).map(byFile));
    const file = answers.flatMap(filesIn).sort((a, b) => a.dependency.length - b.dependency.length);
    const registry = createFileRegistry({ $typeName: "google.protobuf.FileDescriptorSet", file });
    const expected = [...registry].flatMap((type): readonly (readonly [string, string])[] => {
      const inside =
        type.kind === "message"
          ? [...type.fields, ...type.oneofs].map(({ name }) => `${type.typeName}.${name}`)
          : type.kind === "service"
            ? type.methods.map(({ name }) => `${type.typeName}.${name}`)
            : type.kind === "enum"
              ? type.values.map(({ name }) => type.typeName.replace(/[^.]*$/, name))
              : [];
      return [type.typeName, ...inside].map((name) => [name, type.file.proto.name]);
    });
    expect(expected.length).toBeGreaterThan(100);
    const found = await ask(client, ...expected.map(([name]) => bySymbol(name)));
    expect(found.map((answer, i) => [expected[i]?.[0], fileNames(answer)[0]])).toEqual(expected);
  });

  test.each([
    ["a service", "greeter.v1.SilentGreeter", "greeter/v1/greeter.proto"],
    ["a method", "greeter.v1.Greeter.SayHello", "greeter/v1/greeter.proto"],
    ["a message", "greeter.v1.HelloReply", "greeter/v1/greeter.proto"],
    ["a field", "greeter.v1.HelloReply.text", "greeter/v1/greeter.proto"],
    ["a oneof", "greeter.v1.HelloReply.extra", "greeter/v1/greeter.proto"],
    ["the message of a map's entries", "greeter.v1.HelloReply.TranslationsEntry", "greeter/v1/greeter.proto"],
    ["an enum of an import", "greeter.v1.Mood", "greeter/v1/mood.proto"],
    ["a group", "proto2.v1.Message.Part", "proto2/v1/proto2.proto"],
    ["a value of an enum, which is beside it", "proto2.v1.SECOND", "proto2/v1/proto2.proto"],
    ["an extension", "proto2.v1.extra", "proto2/v1/proto2.proto"],
    ["a well-known type", "google.protobuf.Struct.FieldsEntry", "google/protobuf/struct.proto"],
  ])("finds %s", async (_, symbol, file) => {
    const { client } = await start(transport, { services: ["Greeter", "Proto2", "WellKnown"] });
    const [answer] = await ask(client, bySymbol(symbol));
    expect(fileNames(answer!)[0]).toBe(file);
  });

  test("what is not there is NOT_FOUND, what cannot be understood INVALID_ARGUMENT; the stream goes on", async () => {
    const { client } = await start(transport);
    const questions: Question[] = [
      ...["", "kinds", "kinds.v1", ".kinds.v1.Kinds", "kinds.v1.Kinds.", "kinds.v1.Kinds.unary"].map(bySymbol),
      ...["proto2.v1.Kind.SECOND", "__proto__", "constructor"].map(bySymbol),
      ...["", "kinds.proto", "/kinds/v1/kinds.proto", "__proto__"].map(byFile),
      ...[byExtension("proto2.v1.Message", 101), byExtension("", 0), byExtension("kinds.v1.Note", 1)],
      ...["proto2.v1.Kind", "proto2.v1.Proto2", "", "proto2.v1"].map(numbersOf),
    ];
    const answers = await ask(client, ...questions, undefined, list);
    const errors = answers.map((answer) => errorIn(answer)?.[0]);
    expect(errors).toEqual([...questions.map(() => Code.NOT_FOUND), Code.INVALID_ARGUMENT, undefined]);
    expect(errorIn(answers[0]!)).toEqual([Code.NOT_FOUND, 'there is no symbol "" here']);
    expect(errorIn(answers[9]!)).toEqual([Code.NOT_FOUND, 'there is no file "" here']);
    expect(errorIn(answers[13]!)).toEqual([Code.NOT_FOUND, 'there is no extension 101 of "proto2.v1.Message" here']);
    expect(errorIn(answers[16]!)).toEqual([Code.NOT_FOUND, 'there is no message "proto2.v1.Kind" here']);
    expect(namesIn(answers.at(-1)!)).toContain("kinds.v1.Kinds");
  });

  test("extensions are found by what they extend", async () => {
    const { client } = await start(transport);
    const [file, numbers, none] = await ask(
      client,
      ...[byExtension("proto2.v1.Message", 100), numbersOf("proto2.v1.Message"), numbersOf("kinds.v1.Note")],
    );
    expect(fileNames(file!)).toEqual(["proto2/v1/proto2.proto"]);
    expect([numbers, none].map((answer) => answer?.messageResponse)).toEqual([
      {
        $case: "allExtensionNumbersResponse",
        value: { baseTypeName: "proto2.v1.Message", extensionNumber: [100] },
      },
      { $case: "allExtensionNumbersResponse", value: { baseTypeName: "kinds.v1.Note", extensionNumber: [] } },
    ]);
  });

  test("describes the standard services too", async () => {
    const server = new Server({ transport });
    registerHealth(server);
    registerReflection(server);
    const channel = dial((await server.listen("127.0.0.1:0")).address, { transport });
    started.push({ server, channel });
    const answers = await ask(
      serverReflectionClient(channel),
      ...["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"].map(bySymbol),
      bySymbol("grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo"),
    );
    expect(answers.map(fileNames)).toEqual([
      ["grpc/health/v1/health.proto"],
      ["grpc/reflection/v1/reflection.proto"],
      ["grpc/reflection/v1alpha/reflection.proto"],
    ]);
  });

  test("a service without descriptors is listed, its file is NOT_FOUND, and the operator is warned once", async () => {
    const server = new Server({ transport });
    registerKindsServer(server, new UnimplementedKindsServer());
    described.get("ts-proto")?.register(server, "Proto2");
    registerReflection(server);
    const channel = dial((await server.listen("127.0.0.1:0")).address, { transport });
    started.push({ server, channel });
    const client = serverReflectionClient(channel);
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => {});
    const [names, ...answers] = await ask(
      client,
      ...[list, bySymbol("kinds.v1.Kinds"), bySymbol("kinds.v1.Kinds.Unary"), byFile("kinds/v1/kinds.proto")],
      ...[bySymbol("kinds.v1.KindsOf"), bySymbol("proto2.v1.Proto2")],
    );
    await ask(client, list);
    const warnings = [...warn.mock.calls];
    warn.mockRestore();
    expect(namesIn(names!)).toContain("kinds.v1.Kinds");
    const told = [
      Code.NOT_FOUND,
      "kinds.v1.Kinds has no descriptors here: generate its code with descriptors=embed",
    ] as const;
    expect(answers.slice(0, 4).map(errorIn)).toEqual([
      ...[told, told, told],
      [Code.NOT_FOUND, 'there is no symbol "kinds.v1.KindsOf" here'],
    ]);
    expect(fileNames(answers[4]!)).toEqual(["proto2/v1/proto2.proto"]);
    expect(warnings).toEqual([
      [
        "reflection shows no more than the names of kinds.v1.Kinds: generate the code with descriptors=embed, or name " +
          "the services to show: registerReflection(server, { services: [GreeterDesc] })",
        { type: "TrunklineWarning", code: "TRUNKLINE_NO_DESCRIPTORS" },
      ],
    ]);
  });

  test("`services` are what is shown, registered or not, and nothing else", async () => {
    const services = [described.get("ts-proto")!.desc("Greeter"), ServerReflectionDesc];
    const { client } = await start(transport, { services: ["Kinds"], reflection: { services } });
    const [names, kinds, greeter] = await ask(client, list, bySymbol("kinds.v1.Kinds"), bySymbol("greeter.v1.Greeter"));
    expect(namesIn(names!)).toEqual(["greeter.v1.Greeter", "grpc.reflection.v1.ServerReflection"]);
    expect(errorIn(kinds!)).toEqual([Code.NOT_FOUND, 'there is no symbol "kinds.v1.Kinds" here']);
    expect(fileNames(greeter!)).toEqual(["greeter/v1/greeter.proto", "greeter/v1/mood.proto"]);
  });

  test("takes calls without a deadline where others need one, unless it is told not to", async () => {
    const { client } = await start(transport, { requireDeadline: true });
    expect(await ask(client, list)).toHaveLength(1);
    const strict = await start(transport, { reflection: { requireDeadline: true } });
    await expect(ask(strict.client, list)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("a name of a MiB is echoed, and cut in the text of the error", async () => {
    const { client } = await start(transport);
    const long = "x".repeat(1 << 20);
    const answers = await ask(client, bySymbol(long), byFile(long), numbersOf(long), byExtension(long, 1), list);
    const texts = answers.map((answer) => errorIn(answer)?.[1] ?? "");
    expect(texts.slice(0, 4).every((text) => text.includes("xxx…") && text.length < 130)).toBe(true);
    expect(namesIn(answers[4]!)).toContain("kinds.v1.Kinds");
  });

  test("ten thousand questions on a stream: who does not read the answers is not given more", async () => {
    let answered = 0;
    const counting: Interceptor = (next) => (call) => {
      const { messages } = next(call);
      return Reply.stream(
        (async function* () {
          for await (const message of messages) {
            if ((message as ServerReflectionResponse).messageResponse?.$case === "fileDescriptorResponse") answered++;
            yield message;
          }
        })(),
      );
    };
    const { client } = await start(transport, { reflection: { interceptors: [counting] } });
    const question = { host: "", messageRequest: byFile("google/protobuf/struct.proto") };
    const questions = Array.from({ length: 10_000 }, () => question);
    let read = 0;
    for await (const { messageResponse } of client.serverReflectionInfo(questions)) {
      if (messageResponse?.$case !== "fileDescriptorResponse") throw new Error("no file");
      if (++read > 1) continue;
      // Others are answered meanwhile; when twenty have been and nothing has moved here, nothing will.
      for (let before = -1; before !== answered; ) {
        before = answered;
        for (let i = 0; i < 20; i++) await ask(client, list);
      }
      // 700 bytes each: windows and buffers hold some hundreds, not what a client cares to ask for.
      expect(answered).toBeLessThan(1000);
    }
    expect([read, answered]).toEqual([10_000, 10_000]);
  });
});

describe("registerReflection", () => {
  test.each<[string, unknown, Code, string]>([
    [
      "a service without descriptors",
      [KindsDesc],
      Code.FAILED_PRECONDITION,
      "registerReflection(): services: kinds.v1.Kinds has no descriptors: generate it with descriptors=embed",
    ],
    [
      "names",
      ["kinds.v1.Kinds"],
      Code.INVALID_ARGUMENT,
      "registerReflection(): services: must be a list of tables, such as [GreeterDesc]",
    ],
    [
      "what is not there",
      [undefined],
      Code.INVALID_ARGUMENT,
      "registerReflection(): services: must be a list of tables, such as [GreeterDesc]",
    ],
    [
      "no list",
      KindsDesc,
      Code.INVALID_ARGUMENT,
      "registerReflection(): services: must be a list of tables, not an object",
    ],
  ])("refuses %s, and registers nothing", (_, services, code, details) => {
    const server = new Server();
    const error = thrownBy(() => registerReflection(server, { services: services as ServiceDesc[] }));
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code, details });
    expect(server.services).toEqual([]);
  });

  test("refuses to be called twice, and after listen()", async () => {
    const server = new Server();
    registerReflection(server);
    expect(thrownBy(() => registerReflection(server))).toMatchObject({ code: Code.ALREADY_EXISTS });
    const late = new Server();
    await late.listen("127.0.0.1:0");
    expect(thrownBy(() => registerReflection(late))).toMatchObject({ code: Code.FAILED_PRECONDITION });
    await late.shutdown();
  });

  test("a table with descriptors that are none fails the call, and the server is told which", async () => {
    const errors: unknown[] = [];
    const server = new Server({ onError: (error) => errors.push(error) });
    server.register({ ...KindsDesc, descriptorSet: "bm9uZQ==" }, new UnimplementedKindsServer());
    registerReflection(server);
    const channel = dial((await server.listen("127.0.0.1:0")).address);
    started.push({ server, channel });
    await expect(ask(serverReflectionClient(channel), list)).rejects.toMatchObject({ code: Code.UNKNOWN });
    expect(errors).toMatchObject([
      {
        code: Code.INVALID_ARGUMENT,
        details: 'kinds.v1.Kinds: descriptorSet: must be an encoded FileDescriptorSet in base64, not "bm9uZQ=="',
      },
    ]);
  });
});

describe.each(wireTransports)("buf curl on $name", ({ transport }) => {
  const buf = join(root, "node_modules/@bufbuild/buf/bin/buf");

  /** Runs it; its exit code and all that it prints. */
  function curl(url: string, ...args: readonly string[]) {
    const all = [buf, "curl", "--reflect", "--protocol", "grpc", "--http2-prior-knowledge", ...args, url];
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, all, { timeout: 15_000 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
      });
    });
  }

  describe.each(libraries)("with messages=%s", (messages) => {
    test.each([
      ["by default", []],
      ["of v1", ["--reflect-protocol", "grpc-v1"]],
      ["of v1alpha", ["--reflect-protocol", "grpc-v1alpha"]],
    ])("lists services and methods by the protocol %s, and calls", async (_, protocol) => {
      const { address } = await start(transport, { messages });
      const services = await curl(`http://${address}`, ...protocol, "--list-services");
      expect(services).toMatchObject({ code: 0, stderr: "" });
      expect(services.stdout.trim().split("\n")).toEqual([
        "editions.v1.Editions",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "kinds.v1.Kinds",
        "proto2.v1.Proto2",
        "wkt.v1.WellKnown",
      ]);
      const methods = await curl(`http://${address}`, ...protocol, "--list-methods");
      expect(methods).toMatchObject({ code: 0, stderr: "" });
      expect(methods.stdout.trim().split("\n")).toEqual(
        expect.arrayContaining([
          "editions.v1.Editions/Exchange",
          "kinds.v1.Kinds/BidiStream",
          "kinds.v1.Kinds/Unary",
          "wkt.v1.WellKnown/Mixed",
        ]),
      );
      const answer = await curl(`http://${address}/kinds.v1.Kinds/Unary`, ...protocol, "-d", '{"text":"grüß"}');
      expect(answer).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(answer.stdout)).toEqual({ text: "GRÜSS" });
    });

    const big = "9007199254740993";
    test.each<[string, string, unknown[], unknown[]]>([
      [
        "server streaming",
        "kinds.v1.Kinds/ServerStream",
        [{ text: "a", number: big }],
        [
          { text: "a", number: big },
          { text: "again", number: big },
        ],
      ],
      ["client streaming", "kinds.v1.Kinds/ClientStream", [{ text: "a" }, { text: "b" }], [{ text: "ab" }]],
      [
        "both streaming",
        "kinds.v1.Kinds/BidiStream",
        [{ text: "a" }, { data: "AP8=" }],
        [{ text: "a" }, { data: "AP8=" }],
      ],
      ["a well-known type", "wkt.v1.WellKnown/Upper", ["abc"], ["ABC"]],
      ["nothing", "wkt.v1.WellKnown/Ping", [{}], [{}]],
      [
        "well-known types inside of a message",
        "wkt.v1.WellKnown/Mixed",
        [
          {
            at: "2024-02-29T12:00:00.123456789Z",
            took: "1.500s",
            text: "",
            data: { a: [1, null, "x"] },
            any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" },
            mask: "a,bC",
          },
        ],
        [
          {
            at: "2024-02-29T12:00:00.123456789Z",
            took: "1.500s",
            text: "",
            data: { a: [1, null, "x"] },
            any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" },
            mask: "a,bC",
          },
        ],
      ],
      [
        "an edition",
        "editions.v1.Editions/Exchange",
        [{ explicit: "x", packed: [1, 2], expanded: [3], self: { implicit: 7 } }],
        [{ explicit: "x", packed: [1, 2], expanded: [3], self: { implicit: 7 } }],
      ],
    ])("calls a method with JSON: %s", async (_, method, requests, responses) => {
      const { address } = await start(transport, { messages, services: ["Kinds", "WellKnown", "Editions"] });
      const data = requests.map((request) => JSON.stringify(request)).join("\n");
      const answer = await curl(`http://${address}/${method}`, "-d", data);
      expect(answer).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(`[${answer.stdout.trim().replace(/(?<=^[}"].*$)\n/gm, ",")}]`)).toEqual(responses);
    });

    test("calls a method of proto2 with a group and an extension", async () => {
      const { address } = await start(transport, { messages, services: ["Proto2"] });
      const known = { text: "x", part: { flag: true } };
      const message = { ...known, "[proto2.v1.extra]": "an extension" };
      const answer = await curl(`http://${address}/proto2.v1.Proto2/Exchange`, "-d", JSON.stringify(message));
      expect(answer).toMatchObject({ code: 0, stderr: "" });
      // That buf could send it is what descriptors are for; ts-proto's messages have no place to keep it.
      expect(JSON.parse(answer.stdout)).toEqual(messages === "ts-proto" ? known : message);
    });
  });

  test("a service without descriptors is there for who brings the schema, and does not hide the others", async () => {
    const server = new Server({ transport });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), implementations.Kinds));
    registerHealth(server);
    registerReflection(server);
    const { address } = await server.listen("127.0.0.1:0");
    try {
      const url = `http://${address}/kinds.v1.Kinds/Unary`;
      const without = await curl(url, "-d", "{}");
      expect(without.code).toBe(1);
      expect(without.stderr).toContain('failed to find service named "kinds.v1.Kinds"');
      const schema = join(root, "fixtures/proto/kinds/v1/kinds.proto");
      const brought = await curl(url, "--schema", schema, "-d", '{"text":"a"}');
      expect(brought).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(brought.stdout)).toEqual({ text: "A" });
      const health = await curl(`http://${address}/grpc.health.v1.Health/Check`, "-d", "{}");
      expect(JSON.parse(health.stdout)).toEqual({ status: "SERVING" });
    } finally {
      await server.shutdown();
    }
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
