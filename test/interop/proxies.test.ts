/** Calls through the proxies of docs/proxies.md, between every two of the transports. */
import { setInterval, setTimeout } from "node:timers/promises";
import {
  type ClientChannel,
  Code,
  closeAllConnections,
  type DialOptions,
  dial,
  Metadata,
  RpcError,
  Server,
  type ServerCall,
  sender,
  tls,
} from "@trunkline/runtime";
import {
  type KindsClient,
  type KindsServer,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { authority } from "../../interop/certificates.js";
import { echo, nextEvent } from "../connection/proxied.js";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";
import { type Changes, type ProxyKind, proxies, type RunningProxy } from "./proxies.js";

const mebibyte = 2 ** 20;
/** Milliseconds. nginx puts the end of a wait off only by 300 ms at a time. */
const patiences = { nginx: 600, haproxy: 300 };

/** What idles on the page for an hour, for so long that a test can wait for it. */
const impatient: Readonly<Record<ProxyKind["name"], Changes>> = {
  nginx: {
    "keepalive_timeout 1h": `keepalive_timeout ${patiences.nginx}ms`,
    "client_body_timeout 1h": `client_body_timeout ${patiences.nginx}ms`,
    "grpc_read_timeout 1h": `grpc_read_timeout ${patiences.nginx}ms`,
  },
  haproxy: {
    "timeout http-keep-alive 1h": `timeout http-keep-alive ${patiences.haproxy}ms`,
    "timeout server 1h": `timeout server ${patiences.haproxy}ms`,
  },
};

/** Where the proxy closes the connection over it, transports say different things. */
const longRequestMetadata = [Code.UNAVAILABLE, Code.INTERNAL, Code.RESOURCE_EXHAUSTED];

/** How a stream ends that was idle for too long: nginx resets it, haproxy ends it without trailers. */
const idleStream = { nginx: [Code.INTERNAL], haproxy: [Code.UNKNOWN, Code.INTERNAL] };

// In a run of many files jest does not show the titles of what it skips.
for (const { missing } of proxies) if (missing !== undefined) console.warn(`proxies.test.ts skips: ${missing}`);

const pairs = proxies.flatMap((kind) =>
  wireTransports.flatMap((client) =>
    wireTransports.map((server) => ({
      kind,
      from: client.transport,
      to: server.transport,
      title: `${client.name} → ${kind.name} → ${server.name}`,
    })),
  ),
);
const title = ({ kind, title }: (typeof pairs)[number]) =>
  kind.missing === undefined ? title : `${title} (skipped: ${kind.missing})`;

for (const pair of pairs)
  (pair.kind.missing === undefined ? describe : describe.skip)(title(pair), () => through(pair));

function through({ kind, from, to }: (typeof pairs)[number]): void {
  /** What the servers do: the methods that a test is about. */
  let serve: Partial<KindsServer>;
  /** Calls that each server has had. */
  const served = [0, 0];
  const started: RunningProxy[] = [];
  let servers: [string, string];
  let proxy: RunningProxy;

  async function start(behind: readonly [string, string], changes?: Changes): Promise<RunningProxy> {
    const one = await kind.start(behind, changes);
    started.push(one);
    return one;
  }

  beforeAll(async () => {
    const addresses = served.map(async (_, i) => {
      const methods: KindsServer = {
        unary(request, call) {
          served[i]!++;
          return serve.unary!(request, call);
        },
        serverStream: (request, call) => serve.serverStream!(request, call),
        clientStream: (requests, call) => serve.clientStream!(requests, call),
        bidiStream: (requests, call) => serve.bidiStream!(requests, call),
      };
      return (await startKinds(to, methods, { maxMetadataBytes: mebibyte })).address;
    });
    servers = (await Promise.all(addresses)) as [string, string];
    proxy = await start(servers);
  });
  beforeEach(() => {
    serve = { ...echo };
  });
  afterEach(() => closeAllConnections());
  afterAll(async () => {
    await Promise.all(started.map(({ process }) => process.stop()));
    await stopKinds();
  });

  const connect = (
    target = proxy.plaintext,
    options: DialOptions = {},
  ): { channel: ClientChannel; client: KindsClient } => {
    const channel = dial(target, { transport: from, ...options });
    return { channel, client: kindsClient(channel) };
  };

  describe.each(["plaintext", "tls"] as const)("%s", (over) => {
    test("carries the four kinds", async () => {
      const credentials = over === "tls" ? { credentials: tls({ ca: authority() }) } : {};
      const { client } = connect(proxy[over], credentials);
      serve.serverStream = ({ text }) => [{ text: `${text}1` }, { text: `${text}2` }];
      expect(await client.unary({ text: "grüß" })).toMatchObject({ text: "grüß" });
      expect(await collect(client.serverStream({ text: "s" }))).toMatchObject([{ text: "s1" }, { text: "s2" }]);
      expect(await client.clientStream([{}, {}, {}])).toMatchObject({ number: 3n });
      const requests = sender<{ text: string }>();
      const replies = client.bidiStream(requests)[Symbol.asyncIterator]();
      for (const text of ["one", "two"]) {
        void requests.send({ text });
        expect((await replies.next()).value).toMatchObject({ text });
      }
      requests.close();
      expect((await replies.next()).done).toBe(true);
    });
  });

  test("spreads the calls of one connection", async () => {
    const { client } = connect();
    served.fill(0);
    for (let i = 0; i < 20; i++) await client.unary({});
    expect(served).toEqual([10, 10]);
  });

  test("a deadline reaches the server, and ends the call on both sides", async () => {
    const { client } = connect();
    const left = event<number>();
    serve.unary = (_, call) => {
      left.happen(call.timeLeftMs());
      return {};
    };
    await client.unary({}, { timeoutMs: 60_000 });
    expect(await left.happened).toBeGreaterThan(50_000);
    expect(await left.happened).toBeLessThanOrEqual(60_000);

    const ended = event();
    serve.unary = async (request, call) => {
      await aborted(call);
      ended.happen();
      return request;
    };
    await fails(client.unary({}, { timeoutMs: 200 }), [Code.DEADLINE_EXCEEDED]);
    await ended.happened;
  });

  test("a cancellation reaches the server", async () => {
    const { client } = connect();
    const arrived = event();
    /** Resolved by the abortion of each call in turn. */
    let ended = event();
    const watch = (call: ServerCall) => aborted(call).then(ended.happen);
    serve.unary = async (request, call) => {
      arrived.happen();
      await watch(call);
      return request;
    };
    const caller = new AbortController();
    const unary = client.unary({}, { signal: caller.signal });
    await arrived.happened;
    caller.abort();
    await fails(unary, [Code.CANCELLED]);
    await ended.happened;

    ended = event();
    serve.serverStream = async function* (request, call) {
      const end = watch(call);
      yield request;
      await end;
    };
    for await (const _ of client.serverStream({})) break;
    await ended.happened;

    ended = event();
    // The requests may end before the cancellation comes: docs/proxies.md.
    serve.bidiStream = async function* (requests, call) {
      const end = watch(call);
      yield* requests;
      await end;
    };
    const requests = sender<object>();
    void requests.send({});
    for await (const _ of client.bidiStream(requests)) break;
    await ended.happened;
  });

  test("a status arrives whole, before and after the first response", async () => {
    const { client } = connect();
    const details = "grüße: 100 % ☃\nand %41";
    const metadata = new Metadata({ "x-reason": "none", "x-bytes-bin": Uint8Array.of(0, 255, 10) });
    const status = new RpcError(Code.FAILED_PRECONDITION, details, { metadata });
    serve.unary = () => {
      throw status;
    };
    serve.serverStream = async function* () {
      yield {};
      throw status;
    };
    for (const call of [client.unary({}), collect(client.serverStream({}))]) {
      const error = await fails(call, [Code.FAILED_PRECONDITION]);
      expect(error.details).toBe(details);
      expect(error.metadata.get("x-reason")).toBe("none");
      expect(error.metadata.get("x-bytes-bin")).toEqual(Uint8Array.of(0, 255, 10));
    }
  });

  test("metadata arrives both ways, and the caller's address with it", async () => {
    const { client } = connect();
    serve.unary = (request, call) => {
      for (const key of Object.keys(sent))
        for (const value of call.metadata.getAll(key)) call.trailers.append(key, value);
      call.sendHeaders({ "x-caller": call.metadata.get("x-forwarded-for") ?? "nobody" });
      return request;
    };
    const sent = { "x-dash": "a", x_underscore: "b", "x.dot": "c", "x-bytes-bin": Uint8Array.of(0, 255, 10) };
    const headers = event<Metadata>();
    const trailers = event<Metadata>();
    await client.unary({}, { metadata: sent, onHeaders: headers.happen, onTrailers: trailers.happen });
    expect((await headers.happened).get("x-caller")).toBe("127.0.0.1");
    const back = await trailers.happened;
    expect(Object.fromEntries(Object.keys(sent).map((key) => [key, back.get(key)]))).toEqual(sent);
  });

  test("long metadata: up to a limit, and above it the call fails", async () => {
    const { client } = connect();
    serve.unary = (request, call) => {
      if (request.text === "headers") call.sendHeaders({ long: "m".repeat(Number(request.number)) });
      if (request.text === "trailers") call.trailers.set("long", "m".repeat(Number(request.number)));
      return {};
    };
    const metadata = (length: number) => ({ metadata: { long: "m".repeat(length) } });
    await client.unary({}, metadata(12_000));
    await client.unary({ text: "headers", number: 12_000n });
    await client.unary({ text: "trailers", number: 12_000n });

    await fails(client.unary({}, metadata(40_000)), longRequestMetadata);
    await fails(client.unary({ text: "headers", number: 40_000n }), [Code.UNAVAILABLE]);
    await client.unary({});
  });

  test("large messages", async () => {
    const { client } = connect();
    const data = new Uint8Array(1.5 * mebibyte).fill(7);
    expect(Buffer.compare((await client.unary({ data })).data, data)).toBe(0);
    serve.serverStream = () => Array.from({ length: 4 }, () => ({ data }));
    expect((await collect(client.serverStream({}))).map(({ data }) => data.length)).toEqual(Array(4).fill(data.length));
    expect(await client.clientStream(Array.from({ length: 4 }, () => ({ data })))).toMatchObject({ number: 4n });
  });

  test("who reads slowly holds up who writes, and nobody else", async () => {
    const data = new Uint8Array(mebibyte / 16);
    // Streams that may be held up have a connection of their own: docs/proxies.md.
    const { plaintext } = await start(servers);
    const { client: streams } = connect(plaintext, { connection: "short" });
    const { client } = connect(plaintext);
    let responses = 0;
    const ended = event();
    serve.serverStream = async function* (_, call) {
      void aborted(call).then(ended.happen);
      for (; ; responses++) yield { data };
    };
    const slow = streams.serverStream({})[Symbol.asyncIterator]();
    await slow.next();

    let requests = 0;
    serve.clientStream = async (_, call) => {
      await aborted(call);
      return {};
    };
    const caller = new AbortController();
    const held = streams.clientStream(
      (async function* () {
        for (; ; requests++) yield { data };
      })(),
      { signal: caller.signal },
    );

    // Time enough for writers that nobody holds: each of them sends thousands meanwhile.
    for (let i = 0; i < 100; i++) await client.unary({});
    expect(responses * data.length).toBeLessThan(32 * mebibyte);
    expect(requests * data.length).toBeLessThan(32 * mebibyte);
    caller.abort();
    await fails(held, [Code.CANCELLED]);
    await slow.return?.();
    await ended.happened;
  });

  describe("that waits no longer than it has to", () => {
    const patience = patiences[kind.name];
    let brief: RunningProxy;
    beforeAll(async () => {
      brief = await start(servers, impatient[kind.name]);
    });

    // Past the proxy's patience: a request that nobody answers, and streams with a pause in them.
    test("an answer that is late is UNAVAILABLE, a stream that pauses is cut", async () => {
      const { client } = connect(brief.plaintext, { keepalive: { timeMs: patience / 12, withoutCalls: true } });
      const ended = [event(), event()] as const;
      serve.unary = async (request, call) => {
        await aborted(call).then(ended[0].happen);
        return request;
      };
      serve.serverStream = async function* (request, call) {
        const end = aborted(call);
        yield request;
        if (request.text === "pause") return await end.then(ended[1].happen);
        // Something to say before the proxy loses patience.
        let beats = 0;
        for await (const _ of setInterval(patience / 12)) {
          yield request;
          if (++beats === 15) return;
        }
      };
      const unary = fails(client.unary({}, { timeoutMs: 60_000 }), [Code.UNAVAILABLE]);
      const pauses = fails(collect(client.serverStream({ text: "pause" })), idleStream[kind.name]);
      const beats = collect(client.serverStream({ text: "beat" }));
      expect((await unary).details).toMatch(/HTTP status (code )?504/);
      await pauses;
      expect(await beats).toHaveLength(16);
      await Promise.all(ended.map(({ happened }) => happened));
    });

    // The next two are about one side only.
    if (from !== to) return;

    test(`pings of the server ${kind.name === "nginx" ? "hold" : "do not hold"} a stream that pauses`, async () => {
      const goOn = event();
      serve.serverStream = async function* (request) {
        yield request;
        await goOn.happened;
        yield request;
      };
      const methods: Partial<KindsServer> = { serverStream: (request, call) => serve.serverStream!(request, call) };
      const { address } = await startKinds(to, methods, { keepalive: { timeMs: patience / 12 } });
      const { plaintext } = await start([address, address], impatient[kind.name]);
      const pinged = connect(plaintext).client.serverStream({})[Symbol.asyncIterator]();
      await pinged.next();
      // One that nobody pings, and that began later, is cut before.
      await fails(collect(connect(brief.plaintext).client.serverStream({})), idleStream[kind.name]);
      goOn.happen();
      if (kind.name === "nginx") expect(await collect({ [Symbol.asyncIterator]: () => pinged })).toHaveLength(1);
      else await fails(pinged.next(), idleStream[kind.name]);
    });

    test("a connection that it closes is made again by the next call, whenever that comes", async () => {
      const { channel, client } = connect(brief.plaintext);
      const afterwards = async () => {
        await client.unary({});
        await nextEvent(channel, "disconnected");
        await client.unary({});
        expect(channel.stats).toMatchObject({ callsSucceeded: 2, reconnects: 1 });
      };
      // Each on a connection of its own, with a call about when the proxy loses patience.
      const meanwhile = Array.from({ length: 24 }, async (_, i) => {
        const { client } = connect(brief.plaintext, { idleTimeoutMs: 60_000 + i });
        await client.unary({});
        await setTimeout(patience - 12 + i);
        await client.unary({});
      });
      await Promise.all([afterwards(), ...meanwhile]);
    });
  });

  test("one server is down: no call fails; both are: UNAVAILABLE; one is back: the next call succeeds", async () => {
    const alive = new Server({ transport: to });
    const register = (server: Server) =>
      registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
    register(alive);
    const { address } = await alive.listen("127.0.0.1:0");
    const { client } = connect((await start(["127.0.0.1:1", address])).plaintext);
    for (let i = 0; i < 10; i++) await client.unary({});
    await alive.shutdown();
    const { details } = await fails(client.unary({}), [Code.UNAVAILABLE]);
    expect(details).toMatch(/HTTP status (code )?50[23]/);
    const back = new Server({ transport: to });
    register(back);
    await back.listen(address);
    await client.unary({});
    await back.shutdown();
  });

  // What docs/proxies.md says of lines of its configuration, where they are missing.
  if (kind.name === "nginx" && from === to) {
    test("nginx without its lines: what becomes of calls", async () => {
      const without = [
        "client_max_body_size 0;",
        "underscores_in_headers on;",
        "ignore_invalid_headers off;",
        " max_fails=0",
      ];
      const { client } = connect(
        (await start(servers, Object.fromEntries(without.map((line) => [line, ""])))).plaintext,
      );
      const requests = Array.from({ length: 2 }, () => ({ data: new Uint8Array(mebibyte) }));
      const { details } = await fails(client.clientStream(requests), [Code.UNKNOWN]);
      expect(details).toMatch(/HTTP status (code )?413/);

      const arrived = event<string[]>();
      serve.unary = (request, call) => {
        arrived.happen([...call.metadata].map(([key]) => key).filter((key) => key.startsWith("x-my")));
        return request;
      };
      await client.unary({}, { metadata: { "x-my-dash": "a", "x-my_underscore": "b", "x-my.dot": "c" } });
      expect(await arrived.happened).toEqual(["x-my-dash"]);

      serve.unary = (request, call) => {
        call.sendHeaders({ long: "m".repeat(40_000) });
        return request;
      };
      // One for each of the servers: now both are out.
      for (let i = 0; i < 2; i++) await fails(client.unary({}), [Code.UNAVAILABLE]);
      serve.unary = (request) => request;
      expect((await fails(client.unary({}), [Code.UNAVAILABLE])).details).toMatch(/HTTP status (code )?502/);
    });
  }

  test("a reload under load loses no call, and streams go on", async () => {
    const { channel, client } = connect();
    const requests = sender<{ text: string }>();
    const replies = client.bidiStream(requests)[Symbol.asyncIterator]();
    const exchange = async (text: string) => {
      void requests.send({ text });
      expect((await replies.next()).value).toMatchObject({ text });
    };
    await exchange("before");
    const callers = Array.from({ length: 8 }, async () => {
      while (channel.stats.reconnects === 0) await client.unary({});
    });
    const reloaded = proxy.reload();
    await Promise.all(callers);
    await exchange("after");
    requests.close();
    expect((await replies.next()).done).toBe(true);
    await client.unary({});
    await reloaded;
    expect(channel.stats.callsFailed).toBe(0);
  });
}

/** What a handler waits for whom only its caller ends, or whoever is in between. */
function aborted({ signal }: ServerCall): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

async function fails(call: Promise<unknown>, codes: readonly Code[]): Promise<RpcError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RpcError)) throw new Error("the call succeeded");
  expect(codes).toContain(error.code);
  return error;
}
