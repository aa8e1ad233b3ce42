/** Calls through examples/proxy, which runs as a program of its own: nothing may show that it is there. */
import { Client, credentials, Metadata as GrpcMetadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  type ClientChannel,
  Code,
  codeName,
  dial,
  type Metadata,
  RpcError,
  type ServerCall,
  statusDetail,
} from "@trunkline/runtime";
import { KindsDesc, type KindsServer, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { bundle, Program } from "../programs/program.js";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { RawCalls } from "../runtime/raw-calls.js";

const { unary, clientStream } = KindsDesc.methods;
const channels: ClientChannel[] = [];
const proxies: Program[] = [];
let program = "";

beforeAll(async () => {
  program = await bundle("examples/proxy/main.ts", "test/tmp/proxy/main.mjs");
});

afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.close();
  await stopKinds();
  await Program.killAll();
  // Whatever happened, it was no fault of the proxy.
  expect(proxies.splice(0).map(({ errors }) => errors)).not.toContainEqual(expect.stringMatching(/./));
});

interface Proxied {
  readonly address: string;
  readonly client: ReturnType<typeof kindsClient>;
  readonly channel: ClientChannel;
  readonly proxy: Program;
  /** Those that the proxy has made to the backend. */
  connections(): number;
  stopBackend(): Promise<unknown>;
}

async function startProxied(methods: Partial<KindsServer>): Promise<Proxied> {
  const backend = await startKinds("grpc-js", methods);
  const proxy = new Program(process.execPath, [program, "127.0.0.1:0", backend.address]);
  const [, address] = await proxy.says(/^(\S+) passes on to /);
  const channel = dial(address!);
  channels.push(channel);
  proxies.push(proxy);
  return {
    ...{ address: address!, client: kindsClient(channel), channel, proxy },
    connections: () => backend.server.stats().acceptedConnections,
    stopBackend: () => backend.server.shutdown(),
  };
}

async function errorOf(call: Promise<unknown>): Promise<RpcError> {
  try {
    await call;
  } catch (error) {
    return RpcError.from(error);
  }
  throw new Error("it did not fail");
}

describe("what passes", () => {
  test("calls of the four kinds, over one connection to the backend", async () => {
    const { client, connections } = await startProxied({
      unary: ({ text, number }) => ({ text: `${text}!`, number }),
      async *serverStream({ number }) {
        for (let i = 0n; i < number; i++) yield { number: i };
      },
      async clientStream(requests) {
        return { text: (await collect(requests)).map(({ text }) => text).join(" ") };
      },
      async *bidiStream(requests) {
        for await (const { text } of requests) yield { text: `re: ${text}` };
      },
    });
    expect(await client.unary({ text: "a", number: 2n ** 62n })).toMatchObject({ text: "a!", number: 2n ** 62n });
    expect((await collect(client.serverStream({ number: 300n }))).map(({ number }) => Number(number))).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
    expect(await collect(client.serverStream({ number: 0n }))).toEqual([]);
    expect(await client.clientStream([{ text: "b" }, { text: "c" }])).toMatchObject({ text: "b c" });
    expect(await client.clientStream([])).toMatchObject({ text: "" });
    expect(await collect(client.bidiStream([{ text: "d" }, {}]))).toMatchObject([{ text: "re: d" }, { text: "re: " }]);
    expect(connections()).toBe(1);
  });

  test("each answer of a bidi stream before the next request", async () => {
    const { client } = await startProxied({
      async *bidiStream(requests) {
        for await (const { number } of requests) yield { number: number + 1n };
      },
    });
    let answered = event();
    async function* counting() {
      for (let number = 0n; number < 5n; number++) {
        yield { number };
        await answered.happened;
        answered = event();
      }
    }
    const numbers: bigint[] = [];
    for await (const { number } of client.bidiStream(counting())) {
      numbers.push(number);
      answered.happen();
    }
    expect(numbers).toEqual([1n, 2n, 3n, 4n, 5n]);
  });

  test("metadata: of the request, of the headers and of the trailers, several values and bytes", async () => {
    let seen: Metadata | undefined;
    const { client } = await startProxied({
      unary(_, call) {
        seen = call.metadata;
        call.sendHeaders({ "x-header": ["1", "2"], "header-bin": Uint8Array.of(0, 255) });
        call.trailers.append("x-trailer", "3").append("x-trailer", "4").append("trailer-bin", Uint8Array.of(254));
        return {};
      },
    });
    const received: { headers?: Metadata; trailers?: Metadata } = {};
    await client.unary(
      {},
      {
        metadata: { "x-request": ["a", "b"], "request-bin": [Uint8Array.of(1), Uint8Array.of(2, 3)] },
        onHeaders: (headers) => Object.assign(received, { headers }),
        onTrailers: (trailers) => Object.assign(received, { trailers }),
      },
    );
    expect(seen!.getAll("x-request").join()).toBe("a, b");
    expect(seen!.getAll("request-bin").map((bytes) => [...bytes])).toEqual([[1], [2, 3]]);
    expect(received.headers!.getAll("x-header").join()).toBe("1, 2");
    expect([...received.headers!.get("header-bin")!]).toEqual([0, 255]);
    expect(received.trailers!.getAll("x-trailer").join()).toBe("3, 4");
    expect([...received.trailers!.get("trailer-bin")!]).toEqual([254]);
  });

  test("headers before there is a message", async () => {
    const shown = event();
    const { client } = await startProxied({
      async unary(_, call) {
        call.sendHeaders({ "x-early": "yes" });
        await shown.happened;
        return { text: "done" };
      },
    });
    const reply = await client.unary({}, { onHeaders: (headers) => headers.get("x-early") && shown.happen() });
    expect(reply).toMatchObject({ text: "done" });
  });

  test("messages of a megabyte, both ways, as they are", async () => {
    const { client } = await startProxied({
      unary: ({ data }) => ({ data }),
      async *bidiStream(requests) {
        for await (const { data } of requests) yield { data };
      },
    });
    const data = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) % 256);
    expect(Buffer.compare((await client.unary({ data })).data, data)).toBe(0);
    const echoes = await collect(client.bidiStream([{ data }, { data }, { data }]));
    expect(echoes.map((echo) => Buffer.compare(echo.data, data))).toEqual([0, 0, 0]);
  });

  test("500 calls at once", async () => {
    const all = event();
    let arrived = 0;
    const { client, connections } = await startProxied({
      async unary({ number }) {
        if (++arrived === 500) all.happen();
        await all.happened;
        return { number };
      },
    });
    const calls = Array.from({ length: 500 }, (_, i) => client.unary({ number: BigInt(i) }));
    expect((await Promise.all(calls)).map(({ number }) => Number(number))).toEqual(calls.map((_, i) => i));
    expect(connections()).toBe(1);
  });
});

describe("how calls end", () => {
  test("an error of the backend comes with its code, text, trailers and details", async () => {
    const { client } = await startProxied({
      unary() {
        throw new RpcError(Code.FAILED_PRECONDITION, "nicht heute — ½", {
          statusDetails: [statusDetail(unary.response, { text: "why", number: 7n })],
        });
      },
      async *serverStream(_, call) {
        call.trailers.set("x-trailer", "1");
        yield { text: "one" };
        throw new RpcError(Code.ABORTED, "after one");
      },
    });
    const error = await errorOf(client.unary({}));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, details: "nicht heute — ½" });
    expect(error.statusDetails.size).toBe(1);
    expect(error.statusDetails.find(unary.response)).toMatchObject({ text: "why", number: 7n });
    expect(error.metadata.getAll("grpc-status-details-bin").length).toBe(1);

    const got: string[] = [];
    const after = await errorOf(
      (async () => {
        for await (const { text } of client.serverStream({})) got.push(text);
      })(),
    );
    expect(got).toEqual(["one"]);
    expect(after).toMatchObject({ code: Code.ABORTED, details: "after one" });
    expect(after.metadata.getAll("x-trailer")).toEqual(["1"]);
  });

  test("an error without headers has none behind the proxy either", async () => {
    const { address } = await startProxied({
      unary() {
        throw new RpcError(Code.NOT_FOUND, "none");
      },
    });
    const raw = new RawCalls(address);
    const call = raw.start(unary.path);
    expect(await call.ended).toMatchObject({ ":status": 200, "grpc-status": "5", "grpc-message": "none" });
    expect(call.events.filter((name) => name === "trailers" || name === "data")).toEqual([]);
    await raw.close();
  });

  test("what the backend has no method for, it says itself", async () => {
    const { channel } = await startProxied({});
    const error = await errorOf(channel.unary({ ...unary, path: "/other.v1.Other/None" }, {}));
    expect(error).toMatchObject({ code: Code.UNIMPLEMENTED, details: "/other.v1.Other/None is not served here" });
  });

  test("a deadline reaches the backend, a little earlier, and ends the call", async () => {
    const seen = event<{ leftMs: number; over: Promise<unknown> }>();
    const { client } = await startProxied({
      async unary(_, call) {
        const over = new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        seen.happen({ leftMs: call.timeLeftMs(), over });
        await over;
        return {};
      },
    });
    const error = await errorOf(client.unary({}, { timeoutMs: 500 }));
    const { leftMs, over } = await seen.happened;
    expect(error.code).toBe(Code.DEADLINE_EXCEEDED);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(495);
    await over;
  });

  test("no deadline stays none", async () => {
    let deadline: Date | undefined = new Date();
    const { client } = await startProxied({
      unary(_, call) {
        deadline = call.deadline;
        return {};
      },
    });
    await client.unary({});
    expect(deadline).toBeUndefined();
  });

  test.each(["unary", "serverStream", "clientStream", "bidiStream"] as const)(
    "cancelling a %s call ends it at the backend",
    async (kind) => {
      const arrived = event();
      const ended = event<string>();
      const watch = (call: ServerCall) => {
        call.onEnd(({ code }) => ended.happen(codeName(code)));
        arrived.happen();
        return new Promise<never>(() => {});
      };
      const { client } = await startProxied({
        unary: (_, call) => watch(call),
        clientStream: (_, call) => watch(call),
        // biome-ignore lint/correctness/useYield: it never answers.
        async *serverStream(_, call) {
          await watch(call);
        },
        // biome-ignore lint/correctness/useYield: it never answers.
        async *bidiStream(_, call) {
          await watch(call);
        },
      });
      const cancel = new AbortController();
      const options = { signal: cancel.signal };
      const requests = (async function* () {
        yield {};
        await new Promise(() => {});
      })();
      const calls = {
        unary: () => client.unary({}, options),
        serverStream: () => collect(client.serverStream({}, options)),
        clientStream: () => client.clientStream(requests, options),
        bidiStream: () => collect(client.bidiStream(requests, options)),
      };
      const error = errorOf(calls[kind]());
      await arrived.happened;
      cancel.abort();
      expect((await error).code).toBe(Code.CANCELLED);
      expect(await ended.happened).toBe("CANCELLED");
    },
  );

  test("the backend answers before it has all requests", async () => {
    const { client } = await startProxied({ clientStream: () => ({ text: "enough" }) });
    const requests = (async function* () {
      yield {};
      await new Promise(() => {});
    })();
    expect(await client.clientStream(requests)).toMatchObject({ text: "enough" });
  });

  test("without a backend calls are UNAVAILABLE", async () => {
    const { client, stopBackend } = await startProxied({ unary: () => ({}) });
    await client.unary({});
    await stopBackend();
    expect((await errorOf(client.unary({}))).code).toBe(Code.UNAVAILABLE);
  });

  test("calls in flight end as they would when the proxy is stopped, streams too", async () => {
    const goOn = event();
    const { client, channel, proxy } = await startProxied({
      async unary() {
        await goOn.happened;
        return { text: "unary" };
      },
      async *serverStream() {
        yield { text: "one" };
        await goOn.happened;
        yield { text: "two" };
      },
    });
    const closing = event();
    channel.onEvent(({ type }) => type === "goaway" && closing.happen());
    const reply = client.unary({});
    const messages = client.serverStream({})[Symbol.asyncIterator]();
    expect((await messages.next()).value).toMatchObject({ text: "one" });
    proxy.signal("SIGTERM");
    await closing.happened;
    goOn.happen();
    expect(await reply).toMatchObject({ text: "unary" });
    expect((await messages.next()).value).toMatchObject({ text: "two" });
    expect(await messages.next()).toMatchObject({ done: true });
    expect(await proxy.ended).toBe("SIGTERM");
  });
});

describe("with the client of grpc-js in front", () => {
  const same = (bytes: Buffer) => bytes;
  const started: Client[] = [];
  afterEach(() => {
    for (const client of started.splice(0)) client.close();
  });

  function clientOf(address: string): Client {
    const client = new Client(address, credentials.createInsecure());
    started.push(client);
    return client;
  }

  test("calls of the four kinds", async () => {
    const { address } = await startProxied({
      unary: ({ text }) => ({ text: `${text}!` }),
      async *serverStream({ number }) {
        for (let i = 0n; i < number; i++) yield { number: i };
      },
      async clientStream(requests) {
        return { number: BigInt((await collect(requests)).length) };
      },
      async *bidiStream(requests) {
        for await (const request of requests) yield request;
      },
    });
    const client = clientOf(address);
    const { serverStream, bidiStream } = KindsDesc.methods;
    const note = (init: Parameters<typeof unary.request.encode>[0]) => unary.requestSerialize(init);
    const read = (bytes: Buffer) => unary.responseDeserialize(bytes);
    const once = (start: (callback: (error: ServiceError | null, reply?: Buffer) => void) => void) =>
      new Promise<Buffer>((resolve, reject) => start((error, reply) => (error ? reject(error) : resolve(reply!))));

    const one = await once((done) => client.makeUnaryRequest(unary.path, same, same, note({ text: "a" }), done));
    expect(read(one)).toMatchObject({ text: "a!" });

    const many = client.makeServerStreamRequest(serverStream.path, same, same, note({ number: 3n }));
    expect((await collect(many as AsyncIterable<Buffer>)).map((bytes) => read(bytes).number)).toEqual([0n, 1n, 2n]);

    const sum = await once((done) => {
      const call = client.makeClientStreamRequest(clientStream.path, same, same, done);
      for (const text of ["a", "b"]) call.write(note({ text }));
      call.end();
    });
    expect(read(sum)).toMatchObject({ number: 2n });

    const bidi = client.makeBidiStreamRequest(bidiStream.path, same, same);
    bidi.write(note({ text: "x" }));
    bidi.end();
    expect((await collect(bidi as AsyncIterable<Buffer>)).map((bytes) => read(bytes).text)).toEqual(["x"]);
  });

  test("metadata, trailers and the end of a call", async () => {
    const { address } = await startProxied({
      unary(_, call) {
        call.sendHeaders({ "x-header": call.metadata.get("x-request") ?? "" });
        throw new RpcError(Code.RESOURCE_EXHAUSTED, "no more", {
          statusDetails: [statusDetail(unary.response, { text: "why" })],
        });
      },
    });
    const metadata = new GrpcMetadata();
    metadata.set("x-request", "mine");
    let headers: GrpcMetadata | undefined;
    const error = await new Promise<ServiceError>((resolve) => {
      const call = clientOf(address).makeUnaryRequest(unary.path, same, same, Buffer.of(), metadata, (failed) =>
        resolve(failed!),
      );
      call.on("metadata", (received: GrpcMetadata) => {
        headers = received;
      });
    });
    expect(headers!.get("x-header")).toEqual(["mine"]);
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: "no more" });
    expect(RpcError.from(error).statusDetails.find(unary.response)).toMatchObject({ text: "why" });
  });
});
