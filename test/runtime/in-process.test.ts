/** What only the transport without sockets has: addresses of its own, a server that listens nowhere, copies, turns. */
import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { jest } from "@jest/globals";
import {
  type CallSink,
  type ChannelObserver,
  type ClientChannel,
  Code,
  type Codec,
  type ConnectionEvent,
  type DialOptions,
  dial,
  type MethodDesc,
  RpcError,
  Server,
  type ServerCall,
  type ServerOptions,
  type State,
  sender,
  serverTls,
  tls,
} from "@trunkline/runtime";
import { inProcess } from "@trunkline/runtime/in-process";
import {
  type KindsClient,
  KindsDesc,
  type KindsServer,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { wasCompressed } from "../../runtime/src/compression.js";
import { createChannel } from "../../runtime/src/connection/open-channel.js";
import { readSettings } from "../../runtime/src/connection/settings.js";
import { inProcessTransport } from "../../runtime/src/transport/in-process/in-process.js";
import { collect, event } from "./kinds.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  for (const close of closers.splice(0).reverse()) await close();
});

const transport = "in-process";
const echo: Partial<KindsServer> = { unary: (request) => request };

/** A server that listens nowhere yet. */
function serverOf(methods: Partial<KindsServer>, options: ServerOptions = {}): Server {
  const server = new Server({ transport, ...options });
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), methods));
  closers.push(() => server.shutdown());
  return server;
}

function dialled(target: string, options: DialOptions = {}): { channel: ClientChannel; client: KindsClient } {
  const channel = dial(target, { transport, ...options });
  closers.push(() => channel.close());
  return { channel, client: kindsClient(channel) };
}

async function listening(methods: Partial<KindsServer>, options: ServerOptions = {}) {
  const server = serverOf(methods, options);
  const { address } = await server.listen("127.0.0.1:0");
  return { server, address, ...dialled(address) };
}

function nextEvent(channel: ClientChannel, type: ConnectionEvent["type"]): Promise<ConnectionEvent> {
  return new Promise((resolve) => {
    const stop = channel.onEvent((one) => {
      if (one.type !== type) return;
      stop();
      resolve(one);
    });
  });
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

describe("inProcess(server)", () => {
  test("carries all four kinds to a server that listens nowhere", async () => {
    const server = serverOf({
      unary: ({ text }) => ({ text: `${text}!` }),
      serverStream: ({ text }) => [{ text }, { text }],
      clientStream: async (requests) => ({ number: BigInt((await collect(requests)).length) }),
      bidiStream: (requests) => requests,
    });
    const { client } = dialled("kinds", { transport: inProcess(server) });
    expect(await client.unary({ text: "a" })).toMatchObject({ text: "a!" });
    expect(await collect(client.serverStream({ text: "b" }))).toMatchObject([{ text: "b" }, { text: "b" }]);
    expect(await client.clientStream([{}, {}, {}])).toMatchObject({ number: 3n });
    expect(await collect(client.bidiStream([{ text: "c" }]))).toMatchObject([{ text: "c" }]);
    expect(server.stats().addresses).toEqual(["in-process"]);
  });

  test.each(["kinds", "kinds.example:50051", "dns:///kinds", "unix:/nowhere", "ipv4:10.0.0.1:1", "xds:///kinds"])(
    "any target will do, without credentials: %s",
    async (target) => {
      const { client } = dialled(target, { transport: inProcess(serverOf(echo)) });
      expect(await client.unary({ text: "here" })).toMatchObject({ text: "here" });
    },
  );

  test("handles of one server and target share a connection; two servers are two", async () => {
    const [one, two] = ["one", "two"].map((text) => serverOf({ unary: () => ({ text }) })) as [Server, Server];
    const first = dialled("kinds", { transport: inProcess(one) });
    const again = dialled("kinds", { transport: inProcess(one) });
    const other = dialled("kinds", { transport: inProcess(two) });
    const answers = await Promise.all([first, again, other].map(({ client }) => client.unary({})));
    expect(answers.map(({ text }) => text)).toEqual(["one", "one", "two"]);
    expect([one, two].map((server) => server.stats().acceptedConnections)).toEqual([1, 1]);
    expect(first.channel.stats.callsStarted).toBe(2);
  });

  test("services are registered until the first call", async () => {
    const server = new Server();
    closers.push(() => server.shutdown());
    const { client } = dialled("kinds", { transport: inProcess(server) });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
    await client.unary({});
    expect(() => server.register({ ...KindsDesc, serviceName: "kinds.v1.Other" }, {} as never)).toThrow(
      /register before/,
    );
  });

  test("a server may listen beside it", async () => {
    const server = serverOf(echo, { transport: "grpc-js" });
    const { client } = dialled("kinds", { transport: inProcess(server) });
    await client.unary({});
    const { address } = await server.listen("127.0.0.1:0");
    const wire = dialled(address, { transport: "grpc-js" });
    expect(await wire.client.unary({ text: "both" })).toMatchObject({ text: "both" });
    expect(await client.unary({ text: "ways" })).toMatchObject({ text: "ways" });
  });

  test("after the server's shutdown calls fail, of those too that never connected", async () => {
    const server = serverOf(echo);
    const { client, channel } = dialled("kinds", { transport: inProcess(server) });
    await client.unary({});
    const lost = nextEvent(channel, "disconnected");
    await server.shutdown();
    expect(await lost).toMatchObject({ peer: "in-process", reason: "closed by the peer" });
    const gone = { code: Code.UNAVAILABLE, details: expect.stringMatching(/no connection could be made: .*shut down/) };
    await expect(client.unary({})).rejects.toMatchObject(gone);
    await expect(dialled("late", { transport: inProcess(server) }).client.unary({})).rejects.toMatchObject(gone);
  });

  test("call credentials go with tls(), which is as private as the process", async () => {
    const server = serverOf({ unary: (_request, call) => ({ text: call.metadata.get("authorization") ?? "nobody" }) });
    const callCredentials = () => ({ authorization: "Bearer t1" });
    const options = { transport: inProcess(server), callCredentials };
    const { client } = dialled("kinds", { ...options, credentials: tls() });
    expect(await client.unary({})).toMatchObject({ text: "Bearer t1" });
    await expect(dialled("kinds", options).client.unary({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  test("is no transport of a server", async () => {
    const other = new Server({ transport: inProcess(serverOf(echo)) });
    await expect(other.listen("127.0.0.1:0")).rejects.toThrow(/new Server\(\{ transport: "in-process" \}\)/);
  });
});

describe("addresses", () => {
  test("port 0 takes a free one; one that is taken is UNAVAILABLE, until its server has gone", async () => {
    const { server, address } = await listening(echo);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    const second = serverOf(echo);
    const taken = second.listen(address);
    await expect(taken).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await expect(taken).rejects.toThrow(`cannot listen on ${address}: listen EADDRINUSE: address already in use`);
    expect((await serverOf(echo).listen("127.0.0.1:0")).address).not.toBe(address);
    await server.shutdown();
    expect(await second.listen(address)).toMatchObject({ address });
  });

  test.each([
    ["localhost:7101", "127.0.0.1:7101"],
    ["[::1]:7102", "dns:///localhost:7102"],
    ["0.0.0.0:7103", "api.localhost:7103"],
    ["[::]:7104", "ipv6:[::1]:7104"],
    ["greeter:7105", "Greeter:7105"],
    ["unix:/run/kinds.sock", "unix:///run/kinds.sock"],
  ])("what listens on %s is found at %s", async (address, target) => {
    await serverOf(echo).listen(address);
    expect(await dialled(target).client.unary({ text: "found" })).toMatchObject({ text: "found" });
  });

  test("of several addresses the first where a server listens", async () => {
    const { address } = await listening({ unary: () => ({ text: "second" }) });
    const target = `ipv4:127.0.0.1:1,${address}`;
    expect(await dialled(target).client.unary({})).toMatchObject({ text: "second" });
    const spread = dialled(target, { loadBalancing: "round_robin" }).client.unary({});
    await expect(spread).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    const one = dialled(address, { loadBalancing: "round_robin" }).client.unary({});
    await expect(one).resolves.toMatchObject({ text: "second" });
  });

  test.each(["fd:3", "localhost"])("%s is no address to listen on", async (address) => {
    await expect(serverOf(echo).listen(address)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("xds: is refused", async () => {
    await expect(dialled("xds:///kinds").client.unary({})).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/knows no xds: targets/),
    });
  });

  test("a server of another copy of this package is found, and what it says is of this one", async () => {
    await listening(echo); // Ours is loaded.
    let address = "";
    await jest.isolateModulesAsync(async () => {
      const other = await import("../../runtime/src/index.js");
      expect(other.Server).not.toBe(Server);
      const server = new other.Server({ transport });
      closers.push(() => server.shutdown());
      const unary = (_request: unknown, call: ServerCall) => {
        call.sendHeaders({ "x-seen": call.metadata.get("x-sent") });
        throw new other.RpcError(Code.NOT_FOUND, "theirs", { metadata: new other.Metadata({ "x-tail": "1" }) });
      };
      server.register(KindsDesc, Object.assign(new UnimplementedKindsServer(), { unary }) as never);
      address = (await server.listen("127.0.0.1:0")).address;
    });
    let seen: string | undefined;
    const onHeaders = (headers: { get(key: string): string | undefined }) => {
      seen = headers.get("x-seen");
    };
    const call = dialled(address).client.unary({}, { metadata: { "x-sent": "kept" }, onHeaders });
    const error = await call.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "theirs" });
    expect([seen, error.metadata.get("x-tail")]).toEqual(["kept", "1"]);
  });
});

describe("copies", () => {
  test("neither side sees an object of the other: messages, their bytes, metadata", async () => {
    const data = Uint8Array.of(1, 2, 3);
    const bytes = Uint8Array.of(4, 5, 6);
    const request = { text: "mine", data };
    const kept = { text: "theirs", number: 0n, data: Uint8Array.of(7) };
    const { client } = await listening({
      unary(received, call) {
        received.text = "changed";
        received.data.fill(0);
        call.metadata.get("x-data-bin")?.fill(0);
        call.metadata.set("x-more", "1");
        call.sendHeaders({ "x-back-bin": kept.data });
        return kept;
      },
    });
    let back: Uint8Array | undefined;
    const metadata = { "x-data-bin": bytes };
    const onHeaders = (headers: { get(key: `${string}-bin`): Uint8Array | undefined }) => {
      back = headers.get("x-back-bin");
    };
    const answer = await client.unary(request, { metadata, onHeaders });
    expect([request.text, ...data, ...bytes]).toEqual(["mine", 1, 2, 3, 4, 5, 6]);
    answer.text = "changed";
    answer.data.fill(0);
    back?.fill(0);
    expect([kept.text, ...kept.data]).toEqual(["theirs", 7]);
  });

  test("bytes that a codec passes on as they are, are copied all the same", async () => {
    const codec: Codec<Uint8Array> = { typeName: "bytes", encode: (bytes) => bytes, decode: (bytes) => bytes };
    const { unary } = KindsDesc.methods;
    const method = { ...unary, path: unary.path, kind: unary.kind, request: codec, response: codec };
    const server = new Server({ transport });
    closers.push(() => server.shutdown());
    let received: Uint8Array | undefined;
    const handler = (_impl: unknown, request: Uint8Array) => {
      received = request;
      return request;
    };
    server.register({ ...KindsDesc, methods: { unary: { ...method, handler } } } as never, { unary() {} } as never);
    const { channel } = dialled((await server.listen("127.0.0.1:0")).address);
    const sent = Buffer.from("sent");
    const answer = await channel.unary(method as MethodDesc<Uint8Array, Uint8Array, Uint8Array, Uint8Array>, sent);
    expect([received, answer].map((one) => Buffer.from(one!).toString())).toEqual(["sent", "sent"]);
    expect(new Set([sent.buffer, received!.buffer, answer.buffer]).size).toBe(3);
  });

  test("what a wire would compress says so, and traffic counts bytes", async () => {
    const marks: boolean[] = [];
    const { client } = await listening({
      unary(request, call) {
        marks.push(wasCompressed(request));
        call.compression = "gzip";
        return { text: request.text, number: BigInt(call.traffic().receivedBytes) };
      },
    });
    const text = "x".repeat(2000);
    const answer = await client.unary({ text }, { compression: "gzip" });
    const small = await client.unary({ text: "" }, { compression: "gzip" });
    expect([...marks, wasCompressed(answer), wasCompressed(small)]).toEqual([true, false, true, false]);
    expect([answer.number, small.number]).toEqual([2003n, 0n]);
  });
});

describe("turns", () => {
  /** A channel as the layers above have it, without them. */
  async function bare(target: string) {
    const states: State[] = [];
    const seen: string[] = [];
    const ended = event();
    const observer: ChannelObserver = {
      onState: (state) => states.push(state),
      onEvent: ({ type }) => seen.push(type),
      onCallEnd: (code) => {
        seen.push(`call ${code}`);
        ended.happen();
      },
    };
    const settings = readSettings(target, { transport });
    const channel = await createChannel(inProcessTransport, settings as never, observer);
    closers.push(() => channel.drain(0));
    const sink: CallSink<unknown> = {
      onHeaders: () => seen.push("headers"),
      onMessage: () => seen.push("message"),
      onWritable: () => seen.push("writable"),
      onEnd: ({ code }, progress) => seen.push(`${code} ${progress}`),
    };
    const spec = { deadline: Number.POSITIVE_INFINITY, waitForReady: false, attempt: 0, only: {} };
    const start = () => channel.start({ ...spec, method: KindsDesc.methods.unary }, sink);
    return { channel, start, states, seen, ended: ended.happened };
  }

  test("nothing is reported inside of a call on the handle; all of it in order", async () => {
    const { address } = await listening(echo);
    const { channel, start, states, seen, ended } = await bare(address);
    const handle = start();
    handle.read(1);
    expect([channel.state, ...states, ...seen]).toEqual(["CONNECTING"]);
    await ended;
    expect(seen).toEqual(["connected", "headers", "message", "0 processed", "call 0"]);
    expect(states).toEqual(["CONNECTING", "READY"]);
    expect(handle.peer()).toBe(address);
    seen.length = 0;
    const other = start();
    other.cancel(Code.CANCELLED, "no more");
    other.cancel(Code.ABORTED, "again");
    expect(seen).toEqual([]);
    await turns(3);
    expect(seen).toEqual(["1 unsent", "call 1"]);
    await channel.drain(0);
    expect(seen.at(-1)).toBe("disconnected");
    expect(states.at(-1)).toBe("SHUTDOWN");
    expect(start).toThrow(/the connection was closed/);
  });

  test("progress: unsent where nobody listens, refused by a server that has just gone, else processed", async () => {
    const nobody = await bare("127.0.0.1:1");
    nobody.start();
    await nobody.ended;
    expect(nobody.seen).toContain("14 unsent");
    const { server, address } = await listening(echo);
    const refused = await bare(address);
    refused.channel.connect();
    await turns(2);
    expect(refused.channel.state).toBe("READY");
    refused.start();
    const down = server.shutdown();
    await refused.ended;
    expect(refused.seen).toContain("14 refused");
    expect(await down).toEqual({ cutCalls: 1 });
    const hanging = await listening({ unary: () => new Promise<never>(() => {}) });
    const processed = await bare(hanging.address);
    const call = processed.start();
    await turns(4);
    call.cancel(Code.CANCELLED, "no more");
    await processed.ended;
    expect(processed.seen).toContain("1 processed");
  });

  test("a handler does not see what its caller keeps in an AsyncLocalStorage", async () => {
    const storage = new AsyncLocalStorage<string>();
    const unary = () => ({ text: storage.getStore() ?? "nothing" });
    const { client } = await listening({ unary });
    const attached = dialled("kinds", { transport: inProcess(serverOf({ unary })) });
    await storage.run("the first caller's", async () => {
      for (const one of [client, attached.client]) {
        expect(await one.unary({})).toMatchObject({ text: "nothing" });
        expect(storage.getStore()).toBe("the first caller's");
      }
    });
  });

  test("fake timers move deadlines, and stop no call", async () => {
    const { client } = await listening({
      unary: ({ text }) => (text === "hang" ? new Promise<never>(() => {}) : { text }),
    });
    await client.unary({});
    jest.useFakeTimers();
    expect(await client.unary({ text: "as ever" }, { timeoutMs: 1000 })).toMatchObject({ text: "as ever" });
    const late = client.unary({ text: "hang" }, { timeoutMs: 3_600_000 });
    jest.advanceTimersByTime(3_600_000);
    await expect(late).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(jest.getTimerCount()).toBe(0);
  });

  test("callers that always have one more call leave the event loop its turns", async () => {
    const { client } = await listening(echo);
    let stop = false;
    setTimeout(() => {
      stop = true;
    }, 1);
    let calls = 0;
    for (; !stop && calls < 1e6; calls++) await client.unary({});
    expect(calls).toBeLessThan(1e6);
  });

  test("ping() is a turn to the server and back", async () => {
    const { server, channel } = await listening(echo);
    expect(await channel.ping()).toBeGreaterThan(0);
    const lost = nextEvent(channel, "disconnected");
    await server.shutdown();
    await lost;
    await expect(channel.ping({ timeoutMs: 20 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });
});

describe("a server that goes, and comes back", () => {
  test("states and events are those of a connection", async () => {
    const { server, address, channel, client } = await listening(echo);
    await channel.close();
    const again = dialled(address, { backoff: { initialMs: 10, maxMs: 20 } });
    const states: State[] = [];
    const seen: string[] = [];
    again.channel.watch((state) => states.push(state));
    again.channel.onEvent((one) => seen.push(one.type));
    await again.client.unary({});
    const lost = nextEvent(again.channel, "disconnected");
    await server.shutdown();
    await lost;
    expect([...states, again.channel.state]).toEqual(["CONNECTING", "READY", "IDLE", "IDLE"]);
    const refused = nextEvent(again.channel, "backoff");
    await expect(again.client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: `no connection could be made: connect ECONNREFUSED ${address}: no server of this process listens there with the transport in-process`,
      attempts: 1,
    });
    const { backoffMs } = (await refused) as ConnectionEvent & { type: "backoff" };
    expect(backoffMs).toBeGreaterThanOrEqual(8);
    expect(backoffMs).toBeLessThanOrEqual(12);
    expect(again.channel.state).toBe("TRANSIENT_FAILURE");
    const patient = again.client.unary({ text: "patient" }, { waitForReady: true });
    await expect(again.client.unary({}, { waitForReady: true, timeoutMs: 30 })).rejects.toThrow(/ECONNREFUSED/);
    await serverOf(echo).listen(address);
    expect(await patient).toMatchObject({ text: "patient" });
    expect(seen.filter((type) => type !== "backoff")).toEqual(["connected", "disconnected", "connected"]);
    expect(states.slice(0, 5)).toEqual(["CONNECTING", "READY", "IDLE", "CONNECTING", "TRANSIENT_FAILURE"]);
    expect(again.channel.stats.reconnects).toBe(1);
    await expect(client.unary({})).rejects.toThrow(/was closed; dial it again/);
  });

  test("GOAWAY: calls in flight end within the grace, new ones go to whoever listens there now", async () => {
    const goOn = event();
    const arrived = event();
    const { server, address, channel, client } = await listening({
      async unary({ text }) {
        arrived.happen();
        await goOn.happened;
        return { text: `old ${text}` };
      },
    });
    const inFlight = client.unary({ text: "call" });
    await arrived.happened;
    const goaway = nextEvent(channel, "goaway");
    const down = server.shutdown({ graceMs: 10_000 });
    expect(await goaway).toMatchObject({ peer: address, reason: "the peer takes no more calls" });
    await serverOf({ unary: ({ text }) => ({ text: `new ${text}` }) }).listen(address);
    expect(await client.unary({ text: "call" })).toMatchObject({ text: "new call" });
    goOn.happen();
    expect(await inFlight).toMatchObject({ text: "old call" });
    expect(await down).toEqual({ cutCalls: 0 });
    expect(channel.stats).toMatchObject({ callsFailed: 0, inFlight: 0 });
  });

  test("what does not end within the grace is cut with UNAVAILABLE at both ends, read or not", async () => {
    const ends: Code[] = [];
    const { server, client, channel } = await listening({
      async *serverStream(_request, call) {
        call.onEnd(({ code }) => ends.push(code));
        for (;;) yield {};
      },
    });
    const stream = client.serverStream({})[Symbol.asyncIterator]();
    await stream.next();
    expect(await server.shutdown({ graceMs: 20 })).toEqual({ cutCalls: 1 });
    await turns(3);
    expect(channel.stats.inFlight).toBe(0);
    const readOn = async () => {
      while (!(await stream.next()).done);
    };
    await expect(readOn()).rejects.toMatchObject({ code: Code.UNAVAILABLE, details: "the server is shutting down" });
    expect(ends).toEqual([Code.UNAVAILABLE]);
  });

  test("a call in the same turn as the server's end goes to whoever listens there now, or fails", async () => {
    const { server, client } = await listening(echo);
    await client.unary({});
    void server.shutdown();
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/ECONNREFUSED/),
    });
    const next = dialled("kinds.next:1");
    const old = serverOf(echo);
    await old.listen("kinds.next:1");
    await next.client.unary({});
    void old.shutdown();
    await serverOf({ unary: () => ({ text: "new" }) }).listen("kinds.next:1");
    expect(await next.client.unary({})).toMatchObject({ text: "new" });
  });

  test("attempts to connect come ever later, up to a limit, and vary by a fifth", async () => {
    jest.spyOn(Math, "random").mockReturnValue(1);
    const { channel } = dialled("127.0.0.1:1", { backoff: { initialMs: 10, maxMs: 20 } });
    const waits: unknown[] = [];
    const four = event();
    channel.onEvent((one) => {
      if (one.type === "backoff" && waits.push(one.backoffMs) === 4) four.happen();
    });
    channel.connect();
    await four.happened;
    expect(waits.slice(0, 4)).toEqual([12, 19, 24, 24]);
  });

  test("a server takes so many calls at once on a connection; the others wait for room", async () => {
    const gates = [event(), event(), event()];
    const running: string[] = [];
    const unary = async ({ text = "" }) => {
      running.push(text);
      await gates[Number(text)]!.happened;
      return { text };
    };
    const { client, channel } = await listening({ unary }, { maxConcurrentStreamsPerConnection: 2 });
    await channel.waitForReady();
    const calls = [0, 1, 2].map((i) => client.unary({ text: `${i}` }));
    await turns(10);
    expect(running).toEqual(["0", "1"]);
    gates[1]!.happen();
    await calls[1];
    await turns(10);
    expect(running).toEqual(["0", "1", "2"]);
    gates[0]!.happen();
    gates[2]!.happen();
    expect(await Promise.all(calls)).toHaveLength(3);
  });

  test("a server takes so many connections", async () => {
    const { address, client, server } = await listening(echo, { maxConnections: 1 });
    await client.unary({});
    await expect(dialled(address, { authority: "another" }).client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/ECONNRESET .*: the server lets nobody else in/),
    });
    expect(server.stats()).toMatchObject({ openConnections: 1, refusedConnections: 1 });
  });

  test("a connection of its age, or without calls for long, takes no more: the next call makes another", async () => {
    const hang = () => new Promise<never>(() => {});
    const aged = await listening(
      { ...echo, clientStream: hang },
      { maxConnectionAgeMs: 20, maxConnectionAgeGraceMs: 20 },
    );
    const goaway = nextEvent(aged.channel, "goaway");
    const lost = nextEvent(aged.channel, "disconnected");
    const cut = aged.client.clientStream([]);
    await expect(cut).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await Promise.all([goaway, lost]);
    expect(await aged.client.unary({ text: "again" })).toMatchObject({ text: "again" });
    const idle = await listening(echo, { maxConnectionIdleMs: 20 });
    const closed = nextEvent(idle.channel, "disconnected");
    await idle.client.unary({});
    expect(await closed).toMatchObject({ reason: "closed by the peer" });
    await idle.client.unary({});
    expect(idle.server.stats().acceptedConnections).toBe(2);
  });
});

describe("ends", () => {
  test("a handler that ignores its signal is cut at the deadline, and its late answer is heard by nobody", async () => {
    const answer = event();
    const over = event<Code>();
    const returned = event();
    const { client, channel } = await listening({
      async unary(_request, call) {
        call.onEnd(({ code }) => over.happen(code));
        await answer.happened;
        setImmediate(returned.happen);
        return { text: "late" };
      },
    });
    const began = performance.now();
    await expect(client.unary({}, { timeoutMs: 50 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await over.happened).toBe(Code.DEADLINE_EXCEEDED);
    answer.happen();
    await returned.happened;
    expect(channel.stats).toMatchObject({ callsStarted: 1, callsFailed: 1, inFlight: 0 });
  });

  test("ten thousand calls leave nothing: no timer, no turn, no call", async () => {
    const { client, channel, server } = await listening({
      ...echo,
      async *serverStream(request) {
        for (;;) yield request;
      },
    });
    await client.unary({});
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 100; i++) {
      const calls = Array.from({ length: 100 }, async (_, n) => {
        const request = { text: `${n}` };
        if (n % 10 > 0) return client.unary(request, { timeoutMs: 60_000 });
        for await (const answer of client.serverStream(request, { timeoutMs: 60_000 })) return answer;
        return undefined;
      });
      await Promise.all(calls);
    }
    // A timer of a call would stay for a minute, which is longer than this test may take.
    while (process.getActiveResourcesInfo().length > before) await turns(1);
    expect(channel.stats).toMatchObject({ callsStarted: 10_001, inFlight: 0, queued: 0 });
    const methods = server.stats().services.flatMap((service) => service.methods);
    expect(methods.reduce((sum, { inFlight }) => sum + inFlight, 0)).toBe(0);
    expect(methods.reduce((sum, { callsStarted }) => sum + callsStarted, 0)).toBe(10_001);
  });

  test("a program that closes nothing exits by itself", async () => {
    const program = `
      import { dial, Server } from "@trunkline/runtime";
      import { inProcess } from "@trunkline/runtime/in-process";
      import { KindsDesc, kindsClient } from "./fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
      const { unary } = KindsDesc.methods;
      const server = new Server({ transport: "in-process" });
      server.register({ ...KindsDesc, methods: { unary } }, { unary: (note) => note });
      const { address } = await server.listen("127.0.0.1:0");
      for (const options of [{ transport: "in-process" }, { transport: inProcess(server) }]) {
        const { text } = await kindsClient(dial(address, options)).unary({ text: "hello" }, { timeoutMs: 60_000 });
        console.log(text);
      }
      await kindsClient(dial("127.0.0.1:1", { transport: "in-process" })).unary({}).catch(({ code }) => console.log(code));
    `;
    const args = ["--import", "tsx", "--input-type=module", "--eval", program];
    // Killed, and so rejected, where it does not exit.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
    expect({ stdout, stderr }).toEqual({ stdout: "hello\nhello\n14\n", stderr: "" });
  });

  test("a producer of 10,000 messages is held within a few of a slow consumer, both ways", async () => {
    let produced = 0;
    const messages = function* () {
      for (let i = 0; i < 10_000; i++) {
        produced++;
        yield { number: BigInt(i) };
      }
    };
    const goOn = event();
    const { client } = await listening({
      serverStream: () => messages(),
      async clientStream(requests) {
        let number = 0n;
        for await (const request of requests) {
          if (request.number !== number++) throw new RpcError(Code.DATA_LOSS, `${request.number}`);
          if (number === 1n) await goOn.happened;
        }
        return { number };
      },
    });
    const responses = client.serverStream({})[Symbol.asyncIterator]();
    for (let taken = 1; taken <= 100; taken++) {
      expect((await responses.next()).value?.number).toBe(BigInt(taken - 1));
      await turns(5);
      expect(produced - taken).toBeLessThanOrEqual(10);
    }
    await responses.return?.();
    produced = 0;
    const reply = client.clientStream(messages());
    await turns(100);
    expect(produced).toBeGreaterThan(1);
    expect(produced).toBeLessThanOrEqual(10);
    goOn.happen();
    expect(await reply).toMatchObject({ number: 10_000n });
  });

  test("a caller is held, not drained, by a server that has answered already and is not heard yet", async () => {
    const { client } = await listening({
      bidiStream: () => [{}, {}, {}, {}, {}],
    });
    const requests = sender<object>();
    const responses = client.bidiStream(requests)[Symbol.asyncIterator]();
    await responses.next();
    let accepted = 0;
    const sending = (async () => {
      for (; accepted < 1000; accepted++) await requests.send({});
    })();
    await turns(50);
    expect(accepted).toBeLessThan(10);
    while (!(await responses.next()).done);
    await expect(sending).rejects.toMatchObject({ code: Code.CANCELLED });
  });
});

describe("what it cannot do", () => {
  test("it says, and who asks for it is told", async () => {
    const settings = readSettings("kinds", { transport });
    const observer = { onState: () => {}, onEvent: () => {}, onCallEnd: () => {} };
    const channel = await createChannel(inProcessTransport, settings as never, observer);
    expect(channel.capabilities).toEqual({ ping: true, compressionPerCall: true });
    await channel.drain(0);
    await expect(serverOf(echo, { keepaliveEnforcement: {} }).listen("127.0.0.1:0")).rejects.toMatchObject({
      code: Code.UNIMPLEMENTED,
      details: expect.stringMatching(/keepaliveEnforcement: the transport in-process cannot/),
    });
  });
});

describe("credentials", () => {
  const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
  const identity = { cert: pem("server.pem"), key: pem("server.key") };

  test("TLS meets TLS and plaintext meets plaintext; who speaks otherwise is told how to dial", async () => {
    const secure = await serverOf(echo).listen("127.0.0.1:0", { credentials: serverTls(identity) });
    const plain = await serverOf(echo).listen("127.0.0.1:0");
    await dialled(secure.address, { credentials: tls() }).client.unary({});
    await expect(dialled(secure.address).client.unary({})).rejects.toThrow(/speaks TLS: dial it with tls\(\)/);
    const wrong = dialled(plain.address, { credentials: tls() }).client.unary({});
    await expect(wrong).rejects.toThrow(/speaks plaintext: dial it with insecure\(\)/);
  });

  test("a server that wants certificates of its clients is refused: they cannot show any", async () => {
    const credentials = serverTls({ ...identity, clientCa: pem("ca.pem") });
    await expect(serverOf(echo).listen("127.0.0.1:0", { credentials })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/clientCa: .* knows no certificates of clients/),
    });
  });

  test("a name that is not this machine's needs none", async () => {
    await serverOf(echo).listen("greeter.example:50051");
    expect(await dialled("greeter.example:50051").client.unary({ text: "hi" })).toMatchObject({ text: "hi" });
  });
});
