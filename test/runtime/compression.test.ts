import { createServer, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import {
  Code,
  type CompressionOption,
  dial,
  encodeMessage,
  type RetryPolicy,
  Server,
  type ServerCall,
} from "@trunkline/runtime";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { RawCalls } from "./raw-calls.js";
import { wireTransports } from "./transports.js";

afterEach(stopKinds);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const codec = KindsDesc.methods.unary.request;
const long = { text: "all the same ".repeat(1000) };
const short = { text: "short" };
/** Compressed in a thread, while those behind it wait. */
const longest = { text: "all the same ".repeat(5000) };

/** A message with its prefix; `compressed` says what the flag says. */
function frame(bytes: Uint8Array, compressed: boolean): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed ? 1 : 0);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

interface Seen {
  readonly headers: IncomingHttpHeaders;
  /** Of each message: its flag, and its bytes. */
  readonly messages: readonly { readonly compressed: boolean; readonly bytes: Buffer }[];
}

/** A server of nothing but node:http2, which shows what a client sends and answers what it is told to. */
async function rawServer(
  answer: { readonly body: Buffer; readonly headers?: object } = { body: frame(codec.encode({}), false) },
) {
  const seen: Seen[] = [];
  const server = createServer();
  server.on("stream", async (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    for await (const chunk of stream) chunks.push(chunk);
    seen.push({ headers, messages: split(Buffer.concat(chunks)) });
    const more = { "content-type": "application/grpc", ...answer.headers };
    stream.respond({ ":status": 200, ...more }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  return { seen, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function split(body: Buffer) {
  const messages = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push({ compressed: body.readUInt8(at) === 1, bytes: body.subarray(at + 5, end) });
    at = end;
  }
  return messages;
}

describe.each(wireTransports)("a client on $name", ({ transport }) => {
  function connect(address: string, compression?: CompressionOption, retry?: RetryPolicy) {
    const channel = dial(address, { transport, compression, retry });
    stops.push(() => channel.close());
    return kindsClient(channel);
  }

  test.each([
    ["gzip", gunzipSync],
    ["deflate", inflateSync],
  ] as const)("compresses long messages with %s, and leaves short ones as they are", async (encoding, inflate) => {
    const { seen, address } = await rawServer();
    await connect(address, encoding).clientStream([long, short, longest, short, longest, longest, long]);
    const [{ headers, messages }] = seen as [Seen];
    expect(headers["grpc-encoding"]).toBe(encoding);
    expect(headers["grpc-accept-encoding"]?.toString().split(",").sort()).toEqual(["deflate", "gzip", "identity"]);
    expect(messages.map(({ compressed }) => compressed)).toEqual([true, false, true, false, true, true, true]);
    expect(messages[0]!.bytes.length).toBeLessThan(200);
    expect(codec.decode(inflate(messages[0]!.bytes))).toMatchObject(long);
    expect(codec.decode(inflate(messages[4]!.bytes))).toMatchObject(longest);
  });

  test("does not, unless it is asked to", async () => {
    const { seen, address } = await rawServer();
    await connect(address).unary(long);
    const [{ headers, messages }] = seen as [Seen];
    expect(headers["grpc-encoding"]).toBeUndefined();
    expect(messages.map(({ compressed }) => compressed)).toEqual([false]);
  });

  test("a call may say otherwise; so may the message, and a threshold of its own", async () => {
    const { seen, address } = await rawServer();
    const client = connect(address, "gzip");
    await client.unary(long, { compression: "identity" });
    await client.unary(short, { compression: { encoding: "gzip", thresholdBytes: 1 } });
    const only = (message: unknown) => (message as { number?: bigint }).number !== 7n;
    const compression: CompressionOption = { encoding: "gzip", only };
    await client.clientStream([long, { ...long, number: 7n }], { compression });
    const retry = { maxAttempts: 2, initialBackoffMs: 1, maxBackoffMs: 1, backoffMultiplier: 1, codes: [Code.ABORTED] };
    await client.clientStream([long, { ...long, number: 7n }], { compression, retry });
    expect(seen.map(({ messages }) => messages.map(({ compressed }) => compressed))).toEqual([
      [false],
      [true],
      [true, false],
      [true, false],
    ]);
  });

  test("reads responses in each encoding", async () => {
    const bytes = encodeMessage(codec, long);
    for (const [encoding, compressed] of [
      ["gzip", gzipSync(bytes)],
      ["deflate", deflateSync(bytes)],
    ] as const) {
      const { address } = await rawServer({ body: frame(compressed, true), headers: { "grpc-encoding": encoding } });
      expect(await connect(address).unary({})).toMatchObject(long);
    }
  });

  test("does not inflate what is longer than it takes", async () => {
    const bomb = gzipSync(encodeMessage(codec, { data: new Uint8Array(64 * 1024 * 1024) }), { level: 9 });
    const { address } = await rawServer({ body: frame(bomb, true), headers: { "grpc-encoding": "gzip" } });
    const before = process.memoryUsage().arrayBuffers;
    await expect(connect(address).unary({})).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });

  test.each<[string, Buffer, object, Code]>([
    ["is no gzip", frame(Buffer.from("no gzip at all"), true), { "grpc-encoding": "gzip" }, Code.INTERNAL],
    ["says that it is compressed, and not how", frame(gzipSync("x"), true), {}, Code.INTERNAL],
  ])("fails where a response %s", async (_what, body, headers, code) => {
    const { address } = await rawServer({ body, headers });
    await expect(connect(address).unary({})).rejects.toMatchObject({ code });
  });

  test.each<[unknown, RegExp]>([
    ["br", /compression: must be one of identity, gzip, deflate, or \{ encoding \} with one, not "br"/],
    [{ encoding: "zstd" }, /not "zstd"/],
    [{ encoding: "gzip", thresholdBytes: -1 }, /compression\.thresholdBytes: must be a number, at least 0, not -1/],
    [{ encoding: "gzip", only: "all" }, /compression\.only: must be a function of a message, not "all"/],
    [null, /not null/],
  ])("refuses %j", async (compression, details) => {
    const { address } = await rawServer();
    const given = compression as CompressionOption;
    expect(() => dial(address, { transport, compression: given })).toThrow(details);
    const call = connect(address).unary({}, { compression: given });
    await expect(call).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details) });
  });
});

describe.each(wireTransports)("a server on $name", ({ transport }) => {
  const path = KindsDesc.methods.unary.path;

  async function start(): Promise<RawCalls> {
    const { address } = await startKinds(transport, {
      unary: ({ text }) => ({ number: BigInt(text.length) }),
    });
    const calls = new RawCalls(address);
    stops.push(() => calls.close());
    return calls;
  }

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("reads requests in %s", async (encoding, compress) => {
    const calls = await start();
    const body = frame(compress(codec.encode(long)), true);
    const call = calls.start(path, { body, headers: { "grpc-encoding": encoding } });
    expect(await call.ended).toMatchObject({
      "grpc-status": "0",
      "grpc-accept-encoding": expect.stringContaining(encoding),
    });
    expect(codec.decode(call.body().subarray(5)).number).toBe(BigInt(long.text.length));
  });

  test("tells nobody which encodings it reads who sends in none; grpc-js tells all", async () => {
    const calls = await start();
    const ended = await calls.start(path, { headers: { "grpc-accept-encoding": "gzip" } }).ended;
    expect(ended["grpc-status"]).toBe("0");
    expect("grpc-accept-encoding" in ended).toBe(transport === "grpc-js");
  });

  test.each<[string, Buffer, { [key: string]: string }, Code]>([
    [
      "in an encoding that it does not know",
      frame(codec.encode({}), true),
      { "grpc-encoding": "br" },
      Code.UNIMPLEMENTED,
    ],
    ["that is no gzip", frame(Buffer.from("no"), true), { "grpc-encoding": "gzip" }, Code.INTERNAL],
    [
      "that is longer than it takes, once inflated",
      frame(gzipSync(codec.encode({ data: new Uint8Array(64 * 1024 * 1024) })), true),
      { "grpc-encoding": "gzip" },
      Code.RESOURCE_EXHAUSTED,
    ],
  ])("refuses a request %s", async (_what, body, headers, code) => {
    const calls = await start();
    const ended = await calls.start(path, { body, headers }).ended;
    expect(ended).toMatchObject({ "grpc-status": String(code) });
    if (code === Code.UNIMPLEMENTED) expect(ended["grpc-accept-encoding"]).toMatch(/gzip/);
    // The connection lives.
    expect(await calls.start(path).ended).toMatchObject({ "grpc-status": "0" });
  });
});

describe("responses", () => {
  test("grpc-js cannot compress them, and says so", async () => {
    const server = new Server({ transport: "grpc-js", compression: "gzip" });
    const details = "compression: the transport grpc-js cannot compress responses (docs/transports.md)";
    await expect(server.listen("127.0.0.1:0")).rejects.toMatchObject({ code: Code.UNIMPLEMENTED, details });
    const seen: unknown[] = [];
    const { client } = await startKinds("grpc-js", {
      unary(_request: unknown, call: ServerCall) {
        expect(call.compression).toBe("identity");
        call.compression = "identity";
        try {
          call.compression = "gzip";
        } catch (error) {
          seen.push(error);
        }
        return {};
      },
    });
    await client.unary({});
    expect(seen).toMatchObject([{ code: Code.UNIMPLEMENTED, details }]);
  });

  test("a call on grpc-js is compressed with what was dialled only", async () => {
    const { client } = await startKinds("grpc-js", { unary: () => ({}) });
    await expect(client.unary(long, { compression: "gzip" })).rejects.toMatchObject({
      code: Code.UNIMPLEMENTED,
      details: expect.stringMatching(/dial\(target, \{ compression: "gzip" \}\)/),
    });
  });

  test.each(["compression", "streams"])(
    "what is set too late or wrongly is a fault of the handler: %s",
    async (what) => {
      const faults: unknown[] = [];
      const impl = Object.assign(new UnimplementedKindsServer(), {
        unary(_request: unknown, call: ServerCall) {
          if (what === "streams") call.sendHeaders();
          call.compression = what === "streams" ? "identity" : ("lzma" as never);
          return {};
        },
      });
      const server = new Server({ onError: (error) => faults.push(error) });
      registerKindsServer(server, impl);
      const channel = dial((await server.listen("127.0.0.1:0")).address);
      await expect(kindsClient(channel).unary({})).rejects.toMatchObject({ code: Code.UNKNOWN });
      expect(faults).toMatchObject([{ code: Code.INVALID_ARGUMENT }]);
      await channel.close();
      await server.shutdown();
      expect(await collect((async function* () {})())).toEqual([]);
    },
  );
});
