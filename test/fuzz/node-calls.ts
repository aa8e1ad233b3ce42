/** The same calls between our ends and those of node:http2, over TCP: two that were written apart have to agree. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import {
  type ClientChannel,
  Code,
  dial,
  type MethodDesc,
  RpcError,
  Server,
  type ServiceDesc,
} from "@trunkline/runtime";
import { bytesMethods } from "./bytes-method.js";
import { oneOf, size } from "./frame-program.js";
import type { FuzzTarget, Random } from "./target.js";

const method = bytesMethods.find(({ kind }) => kind === "bidiStream")!;

/** Answers every request with itself. */
const echo: ServiceDesc<object> = {
  ...{ serviceName: "fuzz.Bytes", fileName: "" },
  methods: { echo: { ...(method as MethodDesc), handler: (_impl, requests: AsyncIterable<Uint8Array>) => requests } },
};

interface Ends {
  /** Our client, node's server. */
  readonly channel: ClientChannel;
  /** Node's client, our server. */
  readonly session: ClientHttp2Session;
  readonly server: Server;
  readonly other: Http2Server;
}

/** Both pairs are made with the first case, and serve all. */
let ends: Promise<Ends> | undefined;

async function start(): Promise<Ends> {
  const server = new Server({ transport: "http2" });
  server.register(echo, { echo() {} });
  const { address } = await server.listen("127.0.0.1:0");
  const session = connect(`http://${address}`);
  await once(session, "connect");
  const other = await startNode();
  const channel = dial(`127.0.0.1:${(other.address() as AddressInfo).port}`, { transport: "http2" });
  return { channel, session, server, other };
}

async function stop({ channel, session, server, other }: Ends): Promise<void> {
  await channel.close({ graceMs: 0 });
  session.destroy();
  await server.shutdown({ graceMs: 0 });
  await new Promise((resolve) => other.close(resolve));
}

async function startNode(): Promise<Http2Server> {
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-end-bin": "AAE" }));
    stream.pipe(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function messagesOf(random: Random): Buffer[] {
  return Array.from({ length: random.int(12) }, () => Buffer.alloc(size(random), random.int(256)));
}

export const nodeCalls: FuzzTarget = {
  name: "node-calls",
  async run(random) {
    ends ??= start();
    const { channel, session } = await ends;
    const messages = messagesOf(random);
    const cutAfter = random.int(5) === 0 ? random.int(messages.length + 1) : undefined;
    if (random.int(2) === 0) await callNode(channel, messages, cutAfter);
    else await callOurs(random, session, messages, cutAfter);
  },
  async stop() {
    if (ends !== undefined) await stop(await ends);
    ends = undefined;
  },
};

async function callNode(channel: ClientChannel, messages: readonly Buffer[], cutAfter?: number): Promise<void> {
  const abort = new AbortController();
  const got: Uint8Array[] = [];
  const options = { signal: abort.signal, timeoutMs: 20_000, retry: false } as const;
  try {
    if (cutAfter === 0) abort.abort();
    for await (const message of channel.bidiStream(method, messages, options)) {
      got.push(message);
      if (got.length === cutAfter) abort.abort();
    }
    ok(cutAfter === undefined || got.length === messages.length, "a call that was cut has ended well");
    strictEqual(got.length, messages.length);
  } catch (error) {
    ok(cutAfter !== undefined && RpcError.from(error).code === Code.CANCELLED, error as Error);
  }
  deepStrictEqual(got.map(Buffer.from), messages.slice(0, got.length));
}

async function callOurs(
  random: Random,
  session: ClientHttp2Session,
  messages: readonly Buffer[],
  cutAfter?: number,
): Promise<void> {
  const path = method.path;
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const got: Buffer[] = [];
  let status: unknown;
  stream.on("data", (bytes: Buffer) => got.push(bytes));
  // Without a message there are only trailers, which are headers then.
  const take = (fields: IncomingHttpHeaders) => {
    status = fields["grpc-status"] ?? status;
  };
  stream.on("response", take).on("trailers", take);
  stream.on("error", () => {});
  const closed = new Promise<void>((resolve) => stream.on("close", () => resolve()));
  const all = Buffer.concat(
    messages.map((message) => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      return Buffer.concat([prefix, message]);
    }),
  );
  for (let at = 0; at < all.length; ) {
    const length = 1 + random.int(oneOf(random, [10, 1000, 100_000]) + Math.floor(all.length / 50));
    stream.write(all.subarray(at, at + length));
    at += length;
  }
  if (cutAfter === undefined) stream.end();
  else stream.close(8);
  await closed;
  const body = Buffer.concat(got);
  deepStrictEqual(body, all.subarray(0, body.length));
  if (cutAfter !== undefined) return;
  strictEqual(status, "0");
  strictEqual(body.length, all.length);
}
