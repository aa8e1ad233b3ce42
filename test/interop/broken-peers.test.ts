/**
 * Peers that break gRPC while their HTTP/2 is right, or nearly: what comes of the call, and that the connection works on.
 * What breaks HTTP/2 itself is in test/http2/; hostile clients are in test/runtime/hostile-clients.test.ts too.
 */
import { gzipSync } from "node:zlib";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { type ClientChannel, Code, codeName, dial, RpcError } from "@trunkline/runtime";
import { KindsDesc, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import * as raw from "../http2/raw-peer.js";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { RawCalls } from "../runtime/raw-calls.js";
import { frame, headerBlock } from "../runtime/raw-frames.js";
import { wireTransports } from "../runtime/transports.js";

const { continuation, data, endHeaders, endStream, headers, message, rstStream, uint32 } = raw;
const { CANCELLED, INTERNAL, OK, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAVAILABLE, UNIMPLEMENTED, UNKNOWN } = Code;

// It prints what it drops of metadata.
setLogVerbosity(logVerbosity.NONE);

type Fields = { readonly [name: string]: string };

/** What is sent on stream 1, and the code of its call; the last is that of grpc-js, where it reads messages otherwise. */
type Row = readonly [what: string, frames: readonly Buffer[], code: Code, onGrpcJs?: Code];

const start: Fields = { ":status": "200", "content-type": "application/grpc" };
const list = (fields: Fields, flags = 0) => frame(headers, endHeaders | flags, 1, headerBlock(fields));
const begun = list(start);
const bytes = (...chunks: Uint8Array[]) => frame(data, 0, 1, Buffer.concat(chunks));
const ok = list({ "grpc-status": "0" }, endStream);
const flagged = (flag: number, body: Uint8Array = raw.nothing) =>
  Buffer.concat([Buffer.of(flag), uint32(body.length), body]);
const text = Buffer.from("\n\x02ab");

/** A list that takes several frames. */
function longList(fields: Fields, flags: number): Buffer {
  const block = headerBlock(fields);
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length; at += 16_384) {
    const part = block.subarray(at, at + 16_384);
    const isLast = at + 16_384 >= block.length ? endHeaders : 0;
    frames.push(at === 0 ? frame(headers, flags | isLast, 1, part) : frame(continuation, isLast, 1, part));
  }
  return Buffer.concat(frames);
}

const responses: readonly Row[] = [
  // Length-Prefixed-Message. At the end grpc-js forgets what is not whole.
  ["a message, and more bytes than it announced", [begun, bytes(message(text), text), ok], INTERNAL, OK],
  ["a message that is shorter than it announced", [begun, bytes(message(text, 9)), ok], INTERNAL, UNIMPLEMENTED],
  ["a prefix that is cut short", [begun, bytes(Buffer.of(0, 0, 0)), ok], INTERNAL, UNIMPLEMENTED],
  [
    "a message that the end of the stream cuts short, without trailers",
    [begun, frame(data, endStream, 1, message(text, 9))],
    INTERNAL,
  ],
  ["a message of 4 GiB", [begun, bytes(message(raw.nothing, 2 ** 32 - 1)), ok], RESOURCE_EXHAUSTED],
  ["a message that is none of its type", [begun, bytes(message(Buffer.of(0x0a, 9))), ok], INTERNAL],
  ["a message in DATA of a byte each", [begun, ...[...message(text)].map((byte) => bytes(Buffer.of(byte))), ok], OK],
  ["DATA with nothing in it, between", [begun, bytes(), bytes(message(text)), bytes(), ok], OK],
  // Compressed-Flag
  ["the flag 1 without an encoding", [begun, bytes(flagged(1, gzipSync(text))), ok], INTERNAL],
  [
    "the flag 1, with the encoding identity",
    [list({ ...start, "grpc-encoding": "identity" }), bytes(flagged(1, text)), ok],
    INTERNAL,
  ],
  ["a flag of 2, which grpc-js takes for 0", [begun, bytes(flagged(2, text)), ok], INTERNAL, OK],
  ["a flag of 255, which grpc-js takes for 0", [begun, bytes(flagged(255, text)), ok], INTERNAL, OK],
  [
    "a message in gzip that is none",
    [list({ ...start, "grpc-encoding": "gzip" }), bytes(flagged(1, text)), ok],
    INTERNAL,
  ],
  [
    "a message in gzip that is cut short",
    [list({ ...start, "grpc-encoding": "gzip" }), bytes(flagged(1, gzipSync(text).subarray(0, 15))), ok],
    INTERNAL,
  ],
  [
    "a message that is compressed with what nobody knows",
    [list({ ...start, "grpc-encoding": "morse" }), bytes(flagged(1, text)), ok],
    INTERNAL,
  ],
  // A unary response is one message.
  ["two messages", [begun, bytes(message(text), message(text)), ok], UNIMPLEMENTED],
  ["a thousand messages", [begun, bytes(...Array.from({ length: 1000 }, () => message(text))), ok], UNIMPLEMENTED],
  ["no message, and OK", [begun, ok], UNIMPLEMENTED],
  ["trailers alone, and OK", [list({ ...start, "grpc-status": "0" }, endStream)], UNIMPLEMENTED],
  // A status that is not OK is what counts, whatever came before.
  ["a message, and NOT_FOUND", [begun, bytes(message(text)), list({ "grpc-status": "5" }, endStream)], Code.NOT_FOUND],
  // The order of frames
  ["headers twice", [begun, begun, bytes(message(text)), ok], INTERNAL],
  ["trailers that do not end the stream", [begun, bytes(message(text)), list({ "grpc-status": "0" }), ok], INTERNAL],
  ["trailers twice", [begun, bytes(message(text)), ok, list({ "grpc-status": "5" }, endStream)], OK],
  ["a message behind the trailers", [begun, bytes(message(text)), ok, bytes(message(text))], OK],
  ["a reset behind the trailers", [begun, bytes(message(text)), ok, frame(rstStream, 0, 1, uint32(2))], OK],
  // Header lists
  ["headers without :status", [list({ "content-type": "application/grpc" }), bytes(message(text)), ok], INTERNAL],
  [
    "a text of 20 KB with the status",
    [longList({ ...start, "grpc-status": "5", "grpc-message": "x".repeat(20_000) }, endStream)],
    Code.NOT_FOUND,
  ],
  // HTTP knows such values, and gRPC does not: no call fails of them (PROTOCOL-HTTP2, ASCII-Value).
  ["a value in Latin-1", [list({ ...start, "x-name": "caf\u00e9" }), bytes(message(text)), ok], OK],
  ["a key that gRPC has no letters for", [list({ ...start, "x!name": "a" }), bytes(message(text)), ok], OK],
  ["a value with blanks and a tab in it", [list({ ...start, "x-name": "a  b\tc" }), bytes(message(text)), ok], OK],
  ["an empty value", [list({ ...start, "x-name": "" }), bytes(message(text)), ok], OK],
  ["bytes that are no base64", [list({ ...start, "x-name-bin": "%%%" }), bytes(message(text)), ok], OK],
  ["a key of a later gRPC", [list({ ...start, "grpc-later": "1" }), bytes(message(text)), ok], OK],
  // RST_STREAM: the table of PROTOCOL-HTTP2, Errors. REFUSED_STREAM is made again: client-frames.test.ts.
  ...(
    [
      ["NO_ERROR", 0, INTERNAL],
      ["PROTOCOL_ERROR", 1, INTERNAL],
      ["INTERNAL_ERROR", 2, INTERNAL],
      ["FLOW_CONTROL_ERROR", 3, INTERNAL],
      ["SETTINGS_TIMEOUT", 4, INTERNAL],
      ["STREAM_CLOSED", 5, INTERNAL],
      ["FRAME_SIZE_ERROR", 6, INTERNAL],
      ["CANCEL", 8, CANCELLED],
      ["COMPRESSION_ERROR", 9, INTERNAL],
      ["CONNECT_ERROR", 10, INTERNAL],
      ["ENHANCE_YOUR_CALM", 11, RESOURCE_EXHAUSTED],
      ["INADEQUATE_SECURITY", 12, PERMISSION_DENIED],
      // Not in the table.
      ["HTTP_1_1_REQUIRED", 13, UNKNOWN, INTERNAL],
      ["an error that nobody knows", 0xbeef, INTERNAL],
    ] as const
  ).flatMap(([name, error, code, onGrpcJs]): Row[] => [
    [`a reset: ${name}`, [frame(rstStream, 0, 1, uint32(error))], code, onGrpcJs ?? code],
    [
      `a reset behind a message: ${name}`,
      [begun, bytes(message(text)), frame(rstStream, 0, 1, uint32(error))],
      code,
      onGrpcJs ?? code,
    ],
  ]),
];

describe.each(wireTransports)("a client on $name is answered with", ({ name, transport }) => {
  let server: raw.RawServer;
  let channel: ClientChannel;
  beforeEach(async () => {
    server = await raw.RawServer.start();
    channel = dial(server.address, { transport });
  });
  afterEach(async () => {
    await channel.close({ graceMs: 0 });
    await server.stop();
  });

  const codeOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => "OK",
      (error) => {
        expect(error).toBeInstanceOf(RpcError);
        expect(error.details).not.toMatch(/\n/);
        return codeName(error.code);
      },
    );

  const table = responses.map(([what, frames, code, onGrpcJs = code]) => ({
    what,
    frames,
    code: codeName(name === "grpc-js" ? onGrpcJs : code),
  }));

  test.each(table)("$what: $code", async ({ frames, code }) => {
    const client = kindsClient(channel);
    const call = codeOf(client.unary({}, { retry: false }));
    const peer = await server.connection();
    await peer.first(({ type, flags }) => type === data && (flags & endStream) !== 0);
    peer.write(...frames);
    expect(await call).toBe(code);
    // The next call is answered on the same connection.
    const next = codeOf(client.unary({}, { retry: false }));
    const { streamId } = (await peer.first((one) => one.type === headers && one.streamId > 1))!;
    peer.write(raw.answer(streamId));
    expect(await next).toBe("OK");
    expect(server.accepted).toBe(1);
  });

  /** Over these node:http2 gives up its connection, and says nothing of it to anyone but the server. */
  const fatal: readonly (readonly [what: string, frames: readonly Buffer[], code: Code])[] = [
    ["a message before the headers", [bytes(message(text)), begun, ok], INTERNAL],
    [
      "a text of 100 KB with the status",
      [longList({ ...start, "grpc-status": "5", "grpc-message": "x".repeat(100_000) }, endStream)],
      RESOURCE_EXHAUSTED,
    ],
  ];
  const isGivenUp = name === "grpc-js";

  test.each(fatal)(`%s${isGivenUp ? ", where the keepalive finds out" : ""}`, async (_what, frames, code) => {
    const keepalive = { timeMs: 1000, timeoutMs: 100 };
    const watched = dial(server.address, { transport, keepalive, backoff: { initialMs: 1, maxMs: 1 } });
    const client = kindsClient(watched);
    const call = codeOf(client.unary({}, { retry: false }));
    const peer = await server.connection();
    await peer.first(({ type, flags }) => type === data && (flags & endStream) !== 0);
    peer.write(...frames);
    expect(await call).toBe(codeName(isGivenUp ? UNAVAILABLE : code));
    const next = codeOf(client.unary({}, { waitForReady: true }));
    const other = isGivenUp ? await server.connection(1) : peer;
    const { streamId } = (await other.first((one) => one.type === headers && (isGivenUp || one.streamId > 1)))!;
    other.write(raw.answer(streamId));
    expect(await next).toBe("OK");
    await watched.close({ graceMs: 0 });
  });

  test("half a message, and then nothing more of the connection: UNAVAILABLE, and the client goes on", async () => {
    const client = kindsClient(channel);
    const stream = codeOf(collect(client.serverStream({}, { retry: false })));
    const peer = await server.connection();
    await peer.first(({ type, flags }) => type === data && (flags & endStream) !== 0);
    peer.write(begun, bytes(message(text), message(text, 99)));
    await peer.settled();
    await peer.close();
    expect(await stream).toBe(codeName(UNAVAILABLE));
    const next = codeOf(client.unary({}, { waitForReady: true }));
    const other = await server.connection(1);
    other.write(raw.answer((await other.first(({ type }) => type === headers))!.streamId));
    expect(await next).toBe("OK");
  });
});

// ── Clients ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Request = readonly [what: string, headers: Fields, body: Uint8Array, code: Code, onGrpcJs?: Code];

const requests: readonly Request[] = [
  ["a message, and more bytes than it announced", {}, Buffer.concat([message(text), text]), INTERNAL],
  ["a flag of 2, which grpc-js takes for 0", {}, flagged(2, text), INTERNAL, OK],
  ["the flag 1 without an encoding, which grpc-js takes for 0", {}, flagged(1, text), INTERNAL, OK],
  ["the flag 1, with the encoding identity", { "grpc-encoding": "identity" }, flagged(1, text), INTERNAL, OK],
  [
    "a message in gzip that is cut short",
    { "grpc-encoding": "gzip" },
    flagged(1, gzipSync(text).subarray(0, 15)),
    INTERNAL,
  ],
  ["an encoding of which no message makes use", { "grpc-encoding": "gzip" }, flagged(0, text), OK],
  ["a value in Latin-1", { "x-name": "caf\u00e9" }, message(text), OK],
  ["a value with a tab in it", { "x-name": "a\tb" }, message(text), OK],
  ["a key that gRPC has no letters for", { "x!name": "a" }, message(text), OK],
  ["a key of a later gRPC", { "grpc-later": "1" }, message(text), OK],
  ["a status, of all things", { "grpc-status": "5", "grpc-message": "5" }, message(text), OK],
];

describe.each(wireTransports)("a server on $name is asked with", ({ name, transport }) => {
  let calls: RawCalls | undefined;
  afterEach(async () => {
    await calls?.close();
    await stopKinds();
  });
  const { path } = KindsDesc.methods.unary;

  const table = requests.map(([what, fields, body, code, onGrpcJs = code]) => ({
    what,
    fields,
    body,
    code: name === "grpc-js" ? onGrpcJs : code,
  }));

  test.each(table)("$what", async ({ fields, body, code }) => {
    const { address } = await startKinds(transport, { unary: () => ({}) });
    calls = new RawCalls(address);
    const ended = await calls.start(path, { headers: fields, body }).ended;
    expect(ended["grpc-status"]).toBe(String(code));
    expect((await calls.start(path).ended)["grpc-status"]).toBe("0");
  });

  test("metadata that HTTP knows and gRPC does not, which its handler gives back as it came", async () => {
    const { address } = await startKinds(transport, {
      unary(_request, call) {
        call.sendHeaders(call.metadata);
        call.trailers.merge(call.metadata);
        return {};
      },
    });
    calls = new RawCalls(address);
    const fields = { "x-latin": "caf\u00e9", "x-tab": "a\tb", "x-plain": "a" };
    const ended = await calls.start(path, { headers: fields }).ended;
    expect(ended).toMatchObject({ "grpc-status": "0", "x-plain": "a" });
  });
});
