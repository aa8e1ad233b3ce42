/** Errors: their details and their text on the wire, and what becomes of them on their way. */
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { createFileRegistry, type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { DurationSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import {
  type Channel,
  Code,
  type Codec,
  codeName,
  dial,
  type Interceptor,
  Metadata,
  RpcError,
  type StatusDetail,
  StatusDetails,
  statusDetail,
} from "@trunkline/runtime";
import { protobufEs } from "@trunkline/runtime/protobuf-es";
import { tsProto } from "@trunkline/runtime/ts-proto";
import fc from "fast-check";
import { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { node } from "../node.js";
import { compileProtos } from "../plugin/compile-protos.js";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { transports, wireTransports } from "./transports.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await stopKinds();
});

const key = "grpc-status-details-bin";

// ── Codecs of all the ways in which a user may have one ─────────────────────────────────────────────────────────────

const note = tsProto("kinds.v1.Note", Note);
const ofTable = KindsDesc.methods.unary.request;
const duration = protobufEs(DurationSchema);

const rpcProtos = ["google/rpc/error_details.proto", "google/rpc/status.proto"];
const registry = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    compileProtos(
      Object.fromEntries(
        rpcProtos.map((path) => [path, readFileSync(`node_modules/google-proto-files/${path}`, "utf8")]),
      ),
    ),
  ),
);
const googleRpc = (name: string): Codec<object, MessageShape<DescMessage>> =>
  protobufEs(registry.getMessage(`google.rpc.${name}`)!) as Codec<object, MessageShape<DescMessage>>;
const [badRequest, retryInfo, errorInfo, status] = [
  googleRpc("BadRequest"),
  googleRpc("RetryInfo"),
  googleRpc("ErrorInfo"),
  googleRpc("Status"),
];

const violations = { fieldViolations: [{ field: "name", description: "is empty" }] };
const unknown = { typeUrl: "example.com/types/of.Somebody", value: Uint8Array.of(1, 2, 3) };
const broken: Codec<object> = {
  typeName: "broken.Message",
  encode: () => {
    throw new TypeError("cannot be written");
  },
  decode: () => {
    throw new TypeError("cannot be read");
  },
};

const rich = (code: Code = Code.INVALID_ARGUMENT, text = "whom? 100% ü"): RpcError =>
  new RpcError(code, text, {
    statusDetails: [
      statusDetail(badRequest, violations),
      statusDetail(note, { text: "first" }),
      unknown,
      statusDetail(ofTable, { text: "second" }),
      statusDetail(duration, { seconds: 5n }),
    ],
  });

/** What a call failed with. */
async function failure(reply: Promise<unknown>): Promise<RpcError> {
  const error = await reply.then(
    () => new Error("the call succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
}

function expectRich(error: RpcError): void {
  expect(error.statusDetails.find(badRequest)).toMatchObject(violations);
  expect(error.statusDetails.find(note)).toEqual({ text: "first", number: 0n, data: new Uint8Array() });
  expect(error.statusDetails.findAll(ofTable).map(({ text }) => text)).toEqual(["first", "second"]);
  expect(error.statusDetails.find(duration)).toMatchObject({ seconds: 5n });
  expect(error.statusDetails.find(retryInfo)).toBeUndefined();
  expect(error.statusDetails.findAll(retryInfo)).toEqual([]);
  expect(error.statusDetails.size).toBe(5);
  const [first, , third] = error.statusDetails;
  expect(first!.typeUrl).toBe("type.googleapis.com/google.rpc.BadRequest");
  expect({ ...third, value: [...third!.value] }).toEqual({ ...unknown, value: [1, 2, 3] });
}

describe.each(transports)("details on $name", ({ transport }) => {
  test("what a handler attaches arrives typed, from all four kinds; unknown types stay raw, in their place", async () => {
    const fail = (): never => {
      throw rich();
    };
    const { client } = await startKinds(transport, {
      unary: fail,
      clientStream: fail,
      async *serverStream() {
        yield {};
        throw rich();
      },
      bidiStream: fail,
    });
    const calls = [
      () => client.unary({}),
      () => client.clientStream([]),
      () => collect(client.serverStream({})),
      () => collect(client.bidiStream([])),
    ];
    for (const call of calls) {
      const error = await failure(call());
      expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, details: "whom? 100% ü" });
      expectRich(error);
    }
  });

  test("code and text inside of the trailer are those of the status", async () => {
    const { client } = await startKinds(transport, {
      unary() {
        throw rich(Code.NOT_FOUND, "gone\n€");
      },
    });
    const error = await failure(client.unary({}));
    const bytes = error.metadata.getAll(key);
    expect(bytes).toHaveLength(1);
    expect(status.decode(bytes[0]!)).toMatchObject({ code: Code.NOT_FOUND, message: "gone\n€" });
  });

  test("trailers that the handler has set arrive too, and one value of the details", async () => {
    const { client } = await startKinds(transport, {
      unary(_request, call) {
        call.trailers.set("x-mine", "1").set(key, Uint8Array.of(0xff));
        throw rich();
      },
    });
    const error = await failure(client.unary({}));
    expect(error.metadata.get("x-mine")).toBe("1");
    expect(error.metadata.getAll(key)).toHaveLength(1);
    expectRich(error);
  });

  test.each(["client", "server"])("an interceptor of a %s maps an error and adds to its details", async (side) => {
    const map: Interceptor = (next) => (call) =>
      next(call).transform(async function* (messages) {
        try {
          yield* messages;
        } catch (thrown) {
          const { details, statusDetails } = RpcError.from(thrown);
          throw new RpcError(Code.FAILED_PRECONDITION, `mapped: ${details}`, {
            statusDetails: [...statusDetails, statusDetail(errorInfo, { reason: "MAPPED" })],
            cause: thrown,
          });
        }
      });
    const kinds = await startKinds(
      transport,
      {
        unary() {
          throw rich();
        },
      },
      { interceptors: side === "server" ? [map] : [] },
    );
    const seen: (string | undefined)[] = [];
    const observe: Interceptor = (next) => (call) => {
      const reply = next(call);
      reply.status.then((ended) => {
        seen.push(ended.details, RpcError.from(ended).statusDetails.find(note)?.text);
      });
      return reply;
    };
    const client = kinds.dial({ interceptors: side === "client" ? [observe, map] : [observe] });
    const error = await failure(client.unary({}));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, details: "mapped: whom? 100% ü" });
    expect(error.statusDetails.find(badRequest)).toMatchObject(violations);
    expect(error.statusDetails.find(errorInfo)).toMatchObject({ reason: "MAPPED" });
    expect(seen).toEqual(["mapped: whom? 100% ü", "first"]);
  });

  const forwards: [string, (error: RpcError) => unknown, number][] = [
    ["itself", (error) => error, 5],
    [
      "another with its details",
      ({ details, statusDetails }) => new RpcError(Code.ABORTED, details, { statusDetails }),
      5,
    ],
    ["another with it as a cause", (cause) => new RpcError(Code.ABORTED, "no", { cause }), 0],
    ["another code with its metadata", ({ metadata }) => new RpcError(Code.ABORTED, "no", { metadata }), 0],
    ["its code with another text", ({ code, metadata }) => new RpcError(code, "other text", { metadata }), 5],
    [
      "all of it but the details",
      ({ code, details, metadata }) => new RpcError(code, details, { metadata, statusDetails: [] }),
      0,
    ],
    ["something else", () => new Error("secret"), 0],
  ];
  test.each(forwards)("a handler that is a client answers an error with %s", async (_what, answer, details) => {
    const back = await startKinds(transport, {
      unary(_request, call) {
        call.trailers.set("x-from", "back");
        throw rich();
      },
    });
    const front = await startKinds(
      transport,
      {
        async unary(request, call) {
          return back.client.unary(request, { parent: call }).catch((error) => {
            throw answer(error);
          });
        },
      },
      { onError: () => {} },
    );
    const error = await failure(front.client.unary({}));
    expect(error.statusDetails.size).toBe(details);
    const bytes = error.metadata.getAll(key);
    expect(bytes).toHaveLength(details === 0 ? 0 : 1);
    if (details === 0) return;
    expectRich(error);
    expect(status.decode(bytes[0]!)).toMatchObject({ code: error.code, message: error.details });
  });

  test("bytes that cannot be read as details travel on, and leave code and text alone", async () => {
    const bytes = Uint8Array.of(0x1a, 0x7f, 1);
    const back = await startKinds(transport, {
      unary() {
        throw new RpcError(Code.NOT_FOUND, "gone", { metadata: new Metadata({ [key]: bytes }) });
      },
    });
    const front = await startKinds(transport, { unary: (request) => back.client.unary(request) });
    const error = await failure(front.client.unary({}));
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "gone" });
    expect([...error.statusDetails]).toEqual([]);
    expect([...error.metadata.get(key)!]).toEqual([...bytes]);
  });

  test("a detail that cannot be encoded fails the call with INTERNAL and its type", async () => {
    const { client } = await startKinds(transport, {
      unary() {
        throw new RpcError(Code.NOT_FOUND, "gone", { statusDetails: [statusDetail(broken, {})] });
      },
    });
    expect(await failure(client.unary({}))).toMatchObject({
      code: Code.INTERNAL,
      details: expect.stringMatching(/broken\.Message/),
    });
  });

  test("a cause stays where it is, through chains of them", async () => {
    const root = new Error("the disk is full");
    const { client } = await startKinds(transport, {
      unary() {
        throw new RpcError(Code.RESOURCE_EXHAUSTED, "later", { cause: new Error("cannot save", { cause: root }) });
      },
    });
    const wrap: Interceptor = (next) => (call) =>
      next(call).transform(async function* (messages) {
        try {
          yield* messages;
        } catch (cause) {
          throw new Error("wrapped", { cause });
        }
      });
    const received = await failure(client.unary({}));
    expect(received.cause).toBeUndefined();
    expect(JSON.stringify([received, ...received.metadata])).not.toMatch(/disk|save/);
    const wrapped = await failure(client.unary({}, { interceptors: [wrap] }));
    expect(wrapped).toMatchObject({
      code: Code.UNKNOWN,
      cause: { message: "wrapped", cause: { code: Code.RESOURCE_EXHAUSTED } },
    });
  });

  test("an error of another copy of the package is an answer, details and all", async () => {
    const specifier = "../../runtime/src/error.ts?copy";
    const copy = (await import(specifier)) as { RpcError: typeof RpcError };
    expect(copy.RpcError).not.toBe(RpcError);
    const theirs = new copy.RpcError(Code.INVALID_ARGUMENT, "theirs", { statusDetails: rich().statusDetails });
    expect(theirs).toBeInstanceOf(RpcError);
    expect(rich()).toBeInstanceOf(copy.RpcError);
    const { client } = await startKinds(transport, {
      unary() {
        throw theirs;
      },
    });
    const error = await failure(client.unary({}));
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, details: "theirs" });
    expectRich(error);
  });
});

describe("an RpcError", () => {
  const { details, statusDetails } = rich();

  test("has the details that it was made with; its metadata has them once it is sent", () => {
    const error = rich();
    expectRich(error);
    expect(error.metadata.size).toBe(0);
    const sent = error.toStatus();
    expect(status.decode(sent.metadata.get(key)!)).toMatchObject({ code: error.code, message: details });
    expect(error.metadata.size).toBe(0);
    expect(new RpcError(Code.ABORTED, "").statusDetails.size).toBe(0);
    expect(new RpcError(Code.ABORTED, "", { statusDetails: [] }).toStatus().metadata.size).toBe(0);
    const replaced = new RpcError(Code.ABORTED, "", {
      metadata: sent.metadata,
      statusDetails: [statusDetail(note, { text: "only" })],
    });
    expect(replaced.toStatus().metadata.getAll(key)).toHaveLength(1);
    expect(RpcError.from(replaced.toStatus()).statusDetails.find(note)).toMatchObject({ text: "only" });
  });

  test("keeps a detail as it was when it was attached", () => {
    const message = { text: "then" };
    const detail = statusDetail(note, message);
    message.text = "now";
    const error = new RpcError(Code.ABORTED, "", { statusDetails: new Set([detail]) });
    expect(error.statusDetails.find(note)?.text).toBe("then");
    expect(error.statusDetails).toBeInstanceOf(StatusDetails);
  });

  test("the codec says what a detail may be made of, and what is read", () => {
    // @ts-expect-error: a Note has text.
    const wrong = () => statusDetail(note, { text: 5 });
    expect(wrong).toBeInstanceOf(Function);
    const found: Note | undefined = rich().statusDetails.find(note);
    expect(found?.number).toBe(0n);
  });

  test("finds a type by what stands behind the last slash, whatever the server of types", () => {
    const { value } = statusDetail(note, { text: "x" });
    const of = (typeUrl: string) => new RpcError(Code.ABORTED, "", { statusDetails: [{ typeUrl, value }] });
    for (const url of ["example.com/a/kinds.v1.Note", "/kinds.v1.Note", "kinds.v1.Note"]) {
      expect(of(url).statusDetails.find(note)?.text).toBe("x");
      expect(of(url).statusDetails.has("kinds.v1.Note")).toBe(true);
    }
    for (const url of ["", "kinds.v1.Note/", "x/v1.Note", "x/kinds.v1.Note2"]) {
      expect(of(url).statusDetails.find(note)).toBeUndefined();
    }
  });

  test("a detail that its codec cannot decode counts as absent, and stays there raw", () => {
    const bad = { typeUrl: "type.googleapis.com/kinds.v1.Note", value: Uint8Array.of(0x0a, 9) };
    const good = statusDetail(note, { text: "good" });
    const error = new RpcError(Code.ABORTED, "", { statusDetails: [bad, good] });
    expect(error.statusDetails.find(note)?.text).toBe("good");
    expect(error.statusDetails.findAll(note)).toHaveLength(1);
    expect([...error.statusDetails]).toEqual([bad, good]);
    const { value } = bad;
    const unreadable = new RpcError(Code.ABORTED, "", { statusDetails: [{ typeUrl: "x/broken.Message", value }] });
    expect(unreadable.statusDetails.find(broken)).toBeUndefined();
  });

  const misuse: [string, () => unknown, RegExp][] = [
    ["a codec that throws", () => statusDetail(broken, {}), /cannot encode this as broken\.Message: cannot be written/],
    [
      "a ts-proto message for a codec",
      () => statusDetail(Note as never, {} as never),
      /statusDetail\(\) needs a codec, such as tsProto\(/,
    ],
    [
      "a schema for a codec",
      () => statusDetail(DurationSchema as never, {} as never),
      /statusDetail\(\) needs a codec/,
    ],
    [
      "no codec",
      () => statusDetail(undefined as never, {} as never),
      /statusDetail\(\) needs a codec, .* not undefined/,
    ],
    ["find by no codec", () => statusDetails.find(Note as never), /statusDetails\.find\(\) needs a codec/],
    ["findAll by no codec", () => statusDetails.findAll(null as never), /statusDetails\.findAll\(\) needs a codec/],
    ...([5, null, {}, "text", true] as unknown[]).map((given): [string, () => unknown, RegExp] => [
      `details that are ${JSON.stringify(given)}`,
      () => new RpcError(Code.ABORTED, "x", { statusDetails: given as never }),
      /statusDetails must be a list of statusDetail\(codec, message\), not/,
    ]),
    ...([undefined, "text", { text: "a message" }, { typeUrl: "x", value: [1] }] as unknown[]).map(
      (entry): [string, () => unknown, RegExp] => [
        `details with ${JSON.stringify(entry)}`,
        () => new RpcError(Code.ABORTED, "x", { statusDetails: [unknown, entry] as never }),
        /statusDetails\[1\] must be made with statusDetail\(codec, message\); it is/,
      ],
    ),
  ];
  test.each(misuse)("refuses %s where it is written", (_what, use, text) => {
    expect(use).toThrow(text);
    expect(use).toThrow(expect.objectContaining({ code: Code.INTERNAL }));
  });

  test("what a codec throws is kept as the cause", () => {
    expect(() => statusDetail(broken, {})).toThrow(expect.objectContaining({ cause: expect.any(TypeError) }));
  });

  const retryable: [string, RpcError, boolean][] = [
    ...Object.entries(Code).map(([name, code]): [string, RpcError, boolean] => [
      name,
      new RpcError(code, ""),
      name === "UNAVAILABLE",
    ]),
    [
      "ABORTED with RetryInfo",
      new RpcError(Code.ABORTED, "", { statusDetails: [statusDetail(retryInfo, { retryDelay: { seconds: 1n } })] }),
      true,
    ],
    [
      "ABORTED with an empty RetryInfo",
      new RpcError(Code.ABORTED, "", { statusDetails: [statusDetail(retryInfo, {})] }),
      true,
    ],
    ["INVALID_ARGUMENT with other details", rich(), false],
  ];
  test.each(retryable)("%s: isRetryable", (_what, error, expected) => expect(error.isRetryable).toBe(expected));

  test("whatever bytes a peer sends for details, nothing throws, and they travel on", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const error = new RpcError(Code.ABORTED, "text", { metadata: new Metadata({ [key]: bytes }) });
        expect(error.statusDetails.find(note)).toBeUndefined();
        const { metadata } = error.toStatus();
        const again = RpcError.from({ code: Code.ABORTED, details: "text", metadata });
        expect([...again.statusDetails]).toEqual([...error.statusDetails]);
      }),
    );
  });

  test("whatever details are attached, they come out as they went in", () => {
    const entry = fc.record({ typeUrl: fc.string({ unit: "binary" }), value: fc.uint8Array() });
    fc.assert(
      fc.property(fc.array(entry), fc.string({ unit: "binary" }), (statusDetails, text) => {
        const sent = new RpcError(Code.ABORTED, text, { statusDetails }).toStatus();
        const plain = (entries: Iterable<StatusDetail>) =>
          Array.from(entries, ({ typeUrl, value }) => ({ typeUrl, value: [...value] }));
        expect(plain(RpcError.from(sent).statusDetails)).toEqual(plain(statusDetails));
      }),
    );
  });

  test("made of an error of grpc-js, and of a status, has their details", () => {
    const metadata = new GrpcMetadata();
    metadata.add(key, Buffer.from(rich().toStatus().metadata.get(key)!));
    const theirs = Object.assign(new Error("3 INVALID_ARGUMENT"), { code: 3, details: "theirs", metadata });
    const error = RpcError.from(theirs);
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT, details: "theirs", cause: theirs });
    expectRich(error);
    expectRich(RpcError.from(rich().toStatus()));
  });
});

// ── With peers that speak bytes ─────────────────────────────────────────────────────────────────────────────────────

type Trailers = Record<string, string>;

/** A server that answers every call with these trailers and nothing else. */
async function answering(transport: (typeof transports)[number]["transport"], trailers: Trailers): Promise<Channel> {
  const server: Http2Server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const channel = dial(`127.0.0.1:${(server.address() as AddressInfo).port}`, { transport });
  closers.push(async () => {
    await channel.close();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return channel;
}

/** The trailers of a unary call with an empty request, as they are on the wire. */
async function rawTrailers(address: string): Promise<Trailers> {
  const session = connect(`http://${address}`);
  closers.push(async () => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": KindsDesc.methods.unary.path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const all: Trailers = {};
  stream.on("response", (headers) => Object.assign(all, headers));
  stream.on("trailers", (headers) => Object.assign(all, headers));
  stream.resume().end(Buffer.alloc(5));
  await once(stream, "end");
  return all;
}

const range = (from: number, to: number) =>
  String.fromCodePoint(...Array.from({ length: to - from + 1 }, (_, i) => from + i));

/** How little a sender must encode (PROTOCOL-HTTP2, Status-Message): what is not printable ASCII, and the sign itself. */
const encoded = (text: string) =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");

/** Every byte encoded, as a sender may. */
const encodedWhole = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

/** What can be decoded, decoded, and the rest as it is or replaced: one of the two ways that the document allows. */
const decodedPartly = (wire: string) =>
  Buffer.from(
    wire.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();

const texts: [string, string][] = [
  ["nothing", ""],
  ["printable ASCII", `a${range(0x20, 0x7e)}`],
  ["percent signs", "100% %41 %zz %"],
  ["what looks encoded", "%3F %E2%82%AC %25"],
  ["control characters", `${range(0, 0x1f)}x`],
  ["line breaks", "one\ntwo\r\nthree"],
  ["DEL", "\x7f"],
  ["two-byte characters", "\u0080 ü ß \u07ff"],
  ["three-byte characters", "\u0800 € 語 \ufeff \ufffd \uffff"],
  ["four-byte characters", "\u{10000} 😀 \u{10ffff}"],
  ["a lone high surrogate", "a\ud800b"],
  ["a lone low surrogate", "a\udc00b"],
  ["surrogates the wrong way round", "\udc00\ud800"],
];

const invalid = [
  "%",
  "%2",
  "%GG",
  "100% sure",
  "%41 and %",
  "%E2%82",
  "%E2%82 and more",
  "%FF",
  "%C0%80",
  "%ED%A0%80",
  "%F4%90%80%80",
];

describe.each(wireTransports)("on the wire of $name", ({ name, transport }) => {
  test.each(texts)("the status text: %s", async (_what, text) => {
    const { client, address } = await startKinds(transport, {
      unary() {
        throw new RpcError(Code.ABORTED, text);
      },
    });
    // What cannot be written in UTF-8 arrives as a replacement character.
    const arrives = Buffer.from(text).toString();
    expect(await failure(client.unary({}))).toMatchObject({ code: Code.ABORTED, details: arrives });

    const sent = await rawTrailers(address);
    expect(sent["grpc-status"]).toBe("10");
    const wire = sent["grpc-message"] ?? "";
    expect(wire).toMatch(/^([\x20-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*$/);
    expect(decodeURIComponent(wire)).toBe(arrives);

    const channel = await answering(transport, { "grpc-status": "10", "grpc-message": encoded(text) });
    expect(await failure(kindsClient(channel).unary({}))).toMatchObject({ code: Code.ABORTED, details: arrives });
  });

  test("the status text: whatever it is", async () => {
    const { client } = await startKinds(transport, {
      unary({ text }) {
        throw new RpcError(Code.ABORTED, text);
      },
    });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        expect((await failure(client.unary({ text }))).details).toBe(text);
      }),
    );
  });

  test("a sender may encode more than it must, in digits of either case", async () => {
    const whole = encodedWhole("Grüße, 100%");
    for (const wire of [whole.replace("%2c", ","), whole.toUpperCase().replace("%2C", ",")]) {
      const channel = await answering(transport, { "grpc-status": "10", "grpc-message": wire });
      expect(await failure(kindsClient(channel).unary({}))).toMatchObject({ details: "Grüße, 100%" });
    }
  });

  test("characters that are reserved in URIs", async () => {
    const reserved = ";/?:@&=+$,#";
    const channel = await answering(transport, { "grpc-status": "10", "grpc-message": encodedWhole(reserved) });
    const { details } = await failure(kindsClient(channel).unary({}));
    // grpc-js decodes with decodeURI, which is for whole URIs, and what it has made of the text is all that it gives out.
    expect(details).toBe(name === "grpc-js" ? encodedWhole(reserved) : reserved);
  });

  test.each(invalid)("a text that is not encoded right loses nothing: %s", async (wire) => {
    const channel = await answering(transport, { "grpc-status": "5", "grpc-message": wire });
    const error = await failure(kindsClient(channel).unary({}));
    expect(error.code).toBe(Code.NOT_FOUND);
    expect([wire, decodedPartly(wire)]).toContain(error.details);
  });

  test("details of a peer, with base64 that is padded or is not", async () => {
    const bytes = Buffer.from(status.encode({ code: 5, message: "gone", details: [] }));
    const padded = bytes.toString("base64");
    expect(padded).toMatch(/=$/);
    for (const blob of [padded, padded.replace(/=+$/, "")]) {
      const channel = await answering(transport, { "grpc-status": "5", "grpc-message": "gone", [key]: blob });
      expect([...(await failure(kindsClient(channel).unary({}))).metadata.get(key)!]).toEqual([...bytes]);
    }
  });

  const detail = { typeUrl: unknown.typeUrl, value: unknown.value };
  const peers: [string, Uint8Array, number][] = [
    ["a status like its own", status.encode({ code: 5, message: "gone", details: [detail] }), 1],
    ["another text", status.encode({ code: 5, message: "other", details: [detail] }), 1],
    ["no code and no text", status.encode({ details: [detail, detail] }), 2],
    ["a code that contradicts", status.encode({ code: 6, message: "gone", details: [detail] }), 0],
    ["fields that are not known", Uint8Array.of(0x1a, 0, 0x22, 1, 7, 0x28, 1), 1],
    ["nothing", Uint8Array.of(), 0],
    ["a field that ends too early", Uint8Array.of(0x1a, 9, 1), 0],
    ["a detail that ends too early", Uint8Array.of(0x1a, 2, 0x12, 9), 0],
    ["a field number that cannot be", Uint8Array.of(0), 0],
    ["text", new Uint8Array(Buffer.from("not a message")), 0],
  ];
  test.each(peers)("a peer's bytes with %s", async (_what, bytes, size) => {
    const blob = Buffer.from(bytes).toString("base64");
    const channel = await answering(transport, { "grpc-status": "5", "grpc-message": "gone", [key]: blob });
    const error = await failure(kindsClient(channel).unary({}));
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "gone" });
    expect(error.statusDetails.size).toBe(size);
    expect(error.statusDetails.find(badRequest)).toBeUndefined();
    expect([...(error.metadata.get(key) ?? [])]).toEqual([...bytes]);
  });

  test("what a raw peer gets is a google.rpc.Status", async () => {
    const { address } = await startKinds(transport, {
      unary() {
        throw rich(Code.ABORTED, "50%\n€");
      },
    });
    const sent = await rawTrailers(address);
    const message = status.decode(Buffer.from(sent[key]!, "base64")) as MessageShape<DescMessage> & {
      readonly details: readonly { readonly typeUrl: string }[];
    };
    expect(message).toMatchObject({ code: Number(sent["grpc-status"]), message: "50%\n€" });
    expect(codeName(Number(sent["grpc-status"]))).toBe("ABORTED");
    expect(message.details.map(({ typeUrl }) => typeUrl)).toEqual([
      "type.googleapis.com/google.rpc.BadRequest",
      "type.googleapis.com/kinds.v1.Note",
      "example.com/types/of.Somebody",
      "type.googleapis.com/kinds.v1.Note",
      "type.googleapis.com/google.protobuf.Duration",
    ]);
  });
});

// ── The page about them ─────────────────────────────────────────────────────────────────────────────────────────────

/** Its example of details needs google.rpc messages, which the examples that test/docs.test.ts runs do not have. */
describe("docs/errors.md", () => {
  const folder = "test/tmp/errors";
  const examples = [
    ...readFileSync("docs/errors.md", "utf8").matchAll(/```typescript\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g),
  ];

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(`${folder}/gen`, { recursive: true });
    const proto = readFileSync("README.md", "utf8").split("```proto\n")[1]!.split("```")[0]!;
    writeFileSync(`${folder}/greeter.proto`, proto);
    node([
      ...["node_modules/protoc/protoc.cjs", "--plugin=protoc-gen-ts=plugin/bin/protoc-gen-ts.js"],
      ...["-I", folder, "-I", "node_modules/google-proto-files", `--ts_out=${folder}/gen`],
      ...["greeter.proto", "google/rpc/error_details.proto"],
    ]);
    examples.forEach(([, code], i) => {
      writeFileSync(`${folder}/example-${i}.ts`, code!);
    });
    const config = { extends: "../../../tsconfig.json", include: ["."], exclude: [] };
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  });

  test("its example of details type-checks and prints what it says", () => {
    expect(examples.length).toBeGreaterThan(0);
    node(["node_modules/typescript/bin/tsc", "-p", folder]);
    examples.forEach(([, , output], i) => {
      const printed = node(["--import", "tsx", `${folder}/example-${i}.ts`], {
        env: { ...process.env, TSX_TSCONFIG_PATH: `${folder}/tsconfig.json` },
      });
      expect(printed).toBe(output);
    });
  });
});
