/** Calls go to a peer only while it says that it is serving: the dial option `healthCheck`. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  type ClientChannel,
  Code,
  type ConnectionEvent,
  type DialOptions,
  dial,
  RpcError,
  Server,
  type ServerCall,
  type State,
} from "@trunkline/runtime";
import { HealthDesc, registerHealth, HealthStatus as Status } from "@trunkline/runtime/health";
import {
  type KindsClient,
  type KindsServer,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { event } from "../runtime/kinds.js";
import { transports, wireTransports } from "../runtime/transports.js";
import { becomes, echo, holds } from "./proxied.js";
import { TcpProxy } from "./tcp-proxy.js";

const service = "kinds.v1.Kinds";
const healthCheck = { serviceName: service };

/** A call of Watch at a server that does as its test says. */
class Watch {
  readonly at: number = performance.now();
  readonly service: string;
  readonly call: ServerCall;
  /** Asked for while the call is there. */
  readonly peer: string;
  readonly over: Promise<void>;
  readonly #ready: number[] = [];
  #end: Error | undefined;
  #wake = () => {};

  constructor(name: string, call: ServerCall) {
    this.service = name;
    this.call = call;
    this.peer = call.peer.address;
    this.over = new Promise((resolve) => {
      call.onEnd(() => {
        resolve();
        this.end(new Error("over"));
      });
    });
  }

  say(status: keyof typeof Status | number): void {
    this.#ready.push(typeof status === "number" ? status : Status[status]);
    this.#wake();
  }

  end(error: Error): void {
    this.#end = error;
    this.#wake();
  }

  async *statuses(): AsyncGenerator<{ status: number }> {
    while (true) {
      for (const status of this.#ready.splice(0)) yield { status };
      if (this.#end !== undefined) throw this.#end;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

interface Scripted {
  readonly server: Server;
  readonly address: string;
  readonly watches: Watch[];
  /** The watch of this number, once it has come. */
  watch(index: number): Promise<Watch>;
  /** Of each call of another service that it was given, the client's address. */
  readonly calls: string[];
}

const servers: Server[] = [];
const channels: ClientChannel[] = [];
const proxies: TcpProxy[] = [];

afterEach(async () => {
  await Promise.all(channels.splice(0).map((channel) => channel.close()));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
  await Promise.all(servers.splice(0).map((server) => server.shutdown()));
});

type TransportOf = (typeof transports)[number]["transport"];

/** @param onWatch what a watch does beside coming */
async function script(
  transport: TransportOf,
  onWatch: (watch: Watch) => void = () => {},
  methods: Partial<KindsServer> = echo,
): Promise<Scripted> {
  const watches: Watch[] = [];
  const calls: string[] = [];
  const arrivals = new Set<() => void>();
  const server = new Server({
    transport,
    onError: () => {},
    interceptors: [
      (next) => (call) => {
        if (call.method.path.startsWith(`/${service}/`)) calls.push(call.server!.peer.address);
        return next(call);
      },
    ],
  });
  servers.push(server);
  registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), methods));
  const unused = () => {
    throw new RpcError(Code.UNIMPLEMENTED, "not asked");
  };
  server.register(HealthDesc, {
    check: unused,
    list: unused,
    watch(request, call) {
      const watch = new Watch(request.service, call);
      watches.push(watch);
      onWatch(watch);
      for (const arrived of arrivals) arrived();
      return watch.statuses() as AsyncIterable<never>;
    },
  });
  const { address } = await server.listen("127.0.0.1:0");
  const watch = (index: number) =>
    new Promise<Watch>((resolve) => {
      const arrived = () => {
        const found = watches[index];
        if (found === undefined) return;
        arrivals.delete(arrived);
        resolve(found);
      };
      arrivals.add(arrived);
      arrived();
    });
  return { server, address, watches, watch, calls };
}

function connect(
  transport: TransportOf,
  address: string,
  options: DialOptions = {},
): { channel: ClientChannel; client: KindsClient; states: State[]; events: ConnectionEvent[] } {
  const channel = dial(address, { transport, healthCheck, ...options });
  channels.push(channel);
  const states: State[] = [];
  channel.watch((state) => states.push(state));
  const events: ConnectionEvent[] = [];
  channel.onEvent((one) => events.push(one));
  return { channel, client: kindsClient(channel), states, events };
}

const serving = (watch: Watch) => watch.say("SERVING");

async function proxied(address: string): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(Number(address.split(":").at(-1)));
  proxies.push(proxy);
  return proxy;
}

describe.each(transports)("a connection with a health check on $name", ({ transport }) => {
  test("is READY, and takes calls, when the server has said that it is serving", async () => {
    const { address, watch, calls } = await script(transport);
    const { channel, client, states, events } = connect(transport, address);
    const reply = client.unary({ text: "first" });
    const stream = client.bidiStream([{ text: "a" }, { text: "b" }])[Symbol.asyncIterator]();
    const first = stream.next();
    const { service: asked, call, say } = await watch(0).then((one) => ({ ...one, say: one.say.bind(one) }));
    expect(asked).toBe(service);
    expect(call.deadline).toBeUndefined();
    expect([channel.state, calls]).toEqual(["CONNECTING", []]);
    say("SERVING");
    expect(await reply).toMatchObject({ text: "first" });
    expect((await first).value).toMatchObject({ text: "a" });
    expect((await stream.next()).value).toMatchObject({ text: "b" });
    expect((await stream.next()).done).toBe(true);
    expect(states).toEqual(["CONNECTING", "READY"]);
    expect(events.filter(({ type }) => type === "health")).toEqual([
      { type: "health", serving: true, reason: `the server's health service says SERVING of ${service}` },
    ]);
  });

  test.each(["NOT_SERVING", "SERVICE_UNKNOWN", "UNKNOWN", 7] as const)(
    "takes no calls while the server says %s: they fail with that, or wait",
    async (status) => {
      const { address, watch, calls } = await script(transport);
      const { channel, client, states } = connect(transport, address);
      const waited = client.unary({ text: "waited" });
      const { say } = await watch(0).then((one) => ({ say: one.say.bind(one) }));
      say(status);
      const name = typeof status === "number" ? "status 7" : status;
      const refusal = {
        code: Code.UNAVAILABLE,
        details: `the server's health service says ${name} of ${service}`,
      };
      await expect(waited).rejects.toMatchObject(refusal);
      await expect(client.unary({})).rejects.toMatchObject(refusal);
      const ready = expect(channel.waitForReady({ timeoutMs: 50 })).rejects.toMatchObject({
        code: Code.DEADLINE_EXCEEDED,
        details: expect.stringContaining(`is still TRANSIENT_FAILURE: ${refusal.details}`),
      });
      expect(channel.stats.lastError).toBe(refusal.details);
      const patient = client.unary({ text: "patient" }, { waitForReady: true });
      await ready;
      expect(calls).toEqual([]);
      say("SERVING");
      expect(await patient).toMatchObject({ text: "patient" });
      expect(await client.unary({ text: "again" })).toMatchObject({ text: "again" });
      expect(states).toEqual(["CONNECTING", "TRANSIENT_FAILURE", "READY"]);
    },
  );

  test("that is no longer healthy lets calls in flight end", async () => {
    const go = event();
    const { address, watch } = await script(transport, serving, {
      async unary(request) {
        await go.happened;
        return request;
      },
    });
    const { channel, client } = connect(transport, address);
    const reply = client.unary({ text: "in flight" });
    await becomes(channel, "READY");
    await holds(() => channel.stats.inFlight === 1);
    const failing = becomes(channel, "TRANSIENT_FAILURE");
    (await watch(0)).say("NOT_SERVING");
    await failing;
    go.happen();
    expect(await reply).toMatchObject({ text: "in flight" });
  });

  test("to a server that has no health service is healthy, and says so; it is asked once", async () => {
    const { address, watches } = await script(transport, (watch) =>
      watch.end(new RpcError(Code.UNIMPLEMENTED, "no such service")),
    );
    const { client, events, states } = connect(transport, address, { backoff: { initialMs: 1, maxMs: 1 } });
    for (let i = 0; i < 5; i++) expect(await client.unary({ text: `${i}` })).toMatchObject({ text: `${i}` });
    expect(watches).toHaveLength(1);
    expect(states).toEqual(["CONNECTING", "READY"]);
    expect(events.filter(({ type }) => type === "health")).toEqual([
      {
        type: "health",
        serving: true,
        reason: `the server cannot tell whether ${service} is serving, so it is taken to be: UNIMPLEMENTED: no such service`,
      },
    ]);
  });

  test("asks again when the watch has ended, with the backoff of a connection", async () => {
    const { address, watches, watch } = await script(transport, (one) => {
      if (watches.length < 4) one.end(new RpcError(Code.INTERNAL, `no. ${watches.length}`));
      else one.say("SERVING");
    });
    const { client, states } = connect(transport, address, { backoff: { initialMs: 50, maxMs: 1000 } });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(
        /^the health check of kinds\.v1\.Kinds ended, and is tried again in \d+ ms: INTERNAL: no\. 1$/,
      ),
    });
    expect(await client.unary({ text: "then" }, { waitForReady: true })).toMatchObject({ text: "then" });
    await watch(3);
    const gaps = [1, 2, 3].map((i) => watches[i]!.at - watches[i - 1]!.at);
    // ×1.6 each, less a fifth; a timer of Node.js may be early by a millisecond.
    [50, 80, 128].forEach((ms, i) => {
      expect(gaps[i]).toBeGreaterThan(ms * 0.8 - 5);
    });
    expect(states).toEqual([
      ...["CONNECTING", "TRANSIENT_FAILURE", "CONNECTING", "TRANSIENT_FAILURE", "CONNECTING"],
      ...["TRANSIENT_FAILURE", "CONNECTING", "READY"],
    ]);
  });

  test("asks again at once after a watch that had lasted; calls wait for that", async () => {
    const { address, watch } = await script(transport, serving);
    const { channel, client, states } = connect(transport, address, { backoff: { initialMs: 20, maxMs: 20 } });
    await client.unary({});
    const first = await watch(0);
    await holds(() => performance.now() > first.at + 30);
    const asking = becomes(channel, "CONNECTING");
    first.end(new RpcError(Code.OK, ""));
    await asking;
    expect(await client.unary({ text: "waited" })).toMatchObject({ text: "waited" });
    expect(states).toEqual(["CONNECTING", "READY", "CONNECTING", "READY"]);
  });

  test("does not ask a server without pause that answers and ends each watch", async () => {
    const { address, watches, watch } = await script(transport, (one) => {
      one.say("SERVING");
      one.end(new RpcError(Code.ABORTED, "enough"));
    });
    connect(transport, address, { backoff: { initialMs: 100, maxMs: 1000 } }).channel.connect();
    await watch(3);
    const gaps = [1, 2, 3].map((i) => watches[i]!.at - watches[i - 1]!.at);
    for (const gap of gaps) expect(gap).toBeGreaterThan(75);
    // Each answer begins the backoff anew: a fourth in a row would be 4 times as late.
    expect(Math.min(...gaps)).toBeLessThan(200);
  });

  test("gives up a watch that is not answered in time", async () => {
    const { address, watch } = await script(transport);
    const { client } = connect(transport, address, { connectTimeoutMs: 50, backoff: { initialMs: 60_000 } });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(
        /tried again in \d+ ms: DEADLINE_EXCEEDED: no answer for 50 ms \(connectTimeoutMs\)$/,
      ),
    });
    await (await watch(0)).over;
  });

  test("keeps calls that wait to their deadlines and their callers' word", async () => {
    const { address, watch, calls } = await script(transport);
    const { client, channel } = connect(transport, address);
    const late = client.unary({}, { timeoutMs: 50 });
    const abort = new AbortController();
    const cancelled = client.unary({}, { signal: abort.signal });
    await watch(0);
    abort.abort("never mind");
    await expect(cancelled).rejects.toMatchObject({ code: Code.CANCELLED });
    await expect(late).rejects.toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringContaining(`the server has not said yet whether ${service} is serving`),
    });
    expect(calls).toEqual([]);
    expect(channel.stats).toMatchObject({ callsStarted: 2, callsFailed: 2, inFlight: 0 });
  });

  test("watches on the side: no interceptor sees it, no statistic counts it, and no idleness is put off by it", async () => {
    const { address, watch } = await script(transport, serving);
    const seen: string[] = [];
    const { channel, client } = connect(transport, address, {
      idleTimeoutMs: 50,
      interceptors: [
        (next) => (call) => {
          seen.push(call.method.name);
          return next(call);
        },
      ],
    });
    await client.unary({});
    expect(seen).toEqual(["Unary"]);
    expect(channel.stats).toMatchObject({ callsStarted: 1, callsSucceeded: 1, callsFailed: 0, inFlight: 0 });
    await becomes(channel, "IDLE");
    await (await watch(0)).over;
    expect(await client.unary({ text: "again" })).toMatchObject({ text: "again" });
    await (await watch(1)).call;
    expect(channel.stats).toMatchObject({ callsStarted: 2, callsSucceeded: 2, callsFailed: 0, inFlight: 0 });
  });

  test("ends its watch when it is closed; calls that wait are cut then, or get their grace", async () => {
    const { address, watch } = await script(transport);
    const cut = connect(transport, address);
    const waiting = cut.client.unary({});
    const first = await watch(0);
    await cut.channel.close();
    await expect(waiting).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    await first.over;

    const graceful = connect(transport, address);
    const reply = graceful.client.unary({ text: "in time" });
    const second = await watch(1);
    const closed = graceful.channel.close({ graceMs: 60_000 });
    second.say("SERVING");
    expect(await reply).toMatchObject({ text: "in time" });
    await closed;
    await second.over;
  });

  test("is one for all that ask of the same service, and another for others", async () => {
    const { address, watches } = await script(transport, serving);
    const a = connect(transport, address);
    const b = connect(transport, address, { healthCheck: { serviceName: service } });
    const c = connect(transport, address, { healthCheck: { serviceName: "" } });
    const d = connect(transport, address, { healthCheck: undefined });
    for (const { client } of [a, b, c, d]) await client.unary({});
    expect(watches.map((watch) => watch.service)).toEqual([service, ""]);
    expect([a, b, c, d].map(({ channel }) => channel.stats.callsStarted)).toEqual([2, 2, 1, 1]);
  });

  test("of a pool asks for itself: calls go to those that are healthy", async () => {
    const { address, watch, calls } = await script(transport);
    const { channel, client } = connect(transport, address, { pool: { size: 2, pick: "round-robin" } });
    const first = client.unary({ text: "first" });
    const [one, other] = [await watch(0), await watch(1)];
    const events: ConnectionEvent[] = [];
    channel.onEvent((event) => events.push(event));
    other.say("NOT_SERVING");
    await holds(() => events.some(({ type }) => type === "health"));
    expect(channel.state).toBe("CONNECTING");
    one.say("SERVING");
    expect(await first).toMatchObject({ text: "first" });
    for (let i = 0; i < 6; i++) expect(await client.unary({ text: `${i}` })).toMatchObject({ text: `${i}` });
    expect(new Set(calls)).toEqual(new Set([one.peer]));
    expect(channel.state).toBe("READY");
    const failing = becomes(channel, "TRANSIENT_FAILURE");
    one.say("NOT_SERVING");
    await failing;
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  test("of a pool lets a call fail when none of it is healthy", async () => {
    const { address, watch } = await script(transport);
    const { client } = connect(transport, address, { pool: { size: 2 } });
    const first = client.unary({});
    (await watch(0)).say("NOT_SERVING");
    (await watch(1)).say("SERVICE_UNKNOWN");
    await expect(first).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/says (NOT_SERVING|SERVICE_UNKNOWN) of kinds\.v1\.Kinds$/),
    });
  });

  test("that is short asks before its one call", async () => {
    const { address, watches, watch } = await script(transport, (one) =>
      one.say(watches.length === 1 ? "SERVING" : "NOT_SERVING"),
    );
    const { client } = connect(transport, address, { connection: "short" });
    expect(await client.unary({ text: "alone" })).toMatchObject({ text: "alone" });
    await (await watch(0)).over;
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringContaining("NOT_SERVING"),
    });
    await (await watch(1)).over;
  });

  test("follows the health service of this package, to the end of its server", async () => {
    const server = new Server({ transport });
    servers.push(server);
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), echo));
    const health = registerHealth(server);
    const { address } = await server.listen("127.0.0.1:0");
    const { channel, client } = connect(transport, address);
    await client.unary({});
    let next = becomes(channel, "TRANSIENT_FAILURE");
    health.set(service, "NOT_SERVING");
    await next;
    next = becomes(channel, "READY");
    health.set(service, "SERVING");
    await next;
    expect(await client.unary({ text: "back" })).toMatchObject({ text: "back" });
    next = becomes(channel, "TRANSIENT_FAILURE");
    const down = server.shutdown({ preStopMs: 60_000 });
    await next;
    await expect(client.unary({})).rejects.toMatchObject({ details: expect.stringContaining("NOT_SERVING") });
    // Whoever does not ask is served until the calls are sent elsewhere.
    expect(await connect(transport, address, { healthCheck: undefined }).client.unary({})).toBeDefined();
    expect(await server.shutdown({ graceMs: 60_000 })).toEqual({ cutCalls: 0 });
    await down;
  });
});

test.each([
  [
    { healthCheck: "greeter.Greeter" as never },
    /^healthCheck: must be \{ serviceName \}, such as .*, not "greeter.Greeter"$/,
  ],
  [{ healthCheck: {} as never }, /^healthCheck\.serviceName: must be a string, not undefined$/],
])("%j is refused at dial", (options, details) => {
  expect(() => dial("localhost:1", options)).toThrow(
    expect.objectContaining({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details) }),
  );
});

describe.each(wireTransports)("a health check on the wire of $name", ({ transport }) => {
  test("begins anew with each connection, and a loss of it is no verdict", async () => {
    const { address, watch, watches } = await script(transport, serving);
    const proxy = await proxied(address);
    const { channel, client, states } = connect(transport, proxy.address);
    await client.unary({});
    const lost = becomes(channel, "IDLE");
    proxy.reset();
    await lost;
    await (await watch(0)).over;
    expect(await client.unary({ text: "again" })).toMatchObject({ text: "again" });
    expect(watches).toHaveLength(2);
    expect(states).toEqual(["CONNECTING", "READY", "IDLE", "CONNECTING", "READY"]);
  });

  test("waits again for the verdict where a connection is lost before it: calls go to the next", async () => {
    const { address, watch } = await script(transport);
    const proxy = await proxied(address);
    const { client } = connect(transport, proxy.address);
    const waiting = client.unary({ text: "patience" });
    await watch(0);
    proxy.reset();
    (await watch(1)).say("SERVING");
    expect(await waiting).toMatchObject({ text: "patience" });
  });

  test("is none where there is no connection: calls fail with the reason for that", async () => {
    const { address } = await script(transport, serving);
    const proxy = await proxied(address);
    const { channel, client } = connect(transport, proxy.address);
    await proxy.stop();
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringContaining("ECONNREFUSED"),
    });
    expect(channel.stats).toMatchObject({ callsStarted: 1, callsFailed: 1, inFlight: 0 });
  });

  test("moves to a new connection only when that is healthy", async () => {
    const { address, watch, watches, calls } = await script(transport, (one) => {
      if (watches.length !== 2) serving(one);
    });
    const { client } = connect(transport, address, { maxAgeMs: 100 });
    await client.unary({});
    const [first, second] = [await watch(0), await watch(1)];
    await client.unary({});
    expect(calls).toEqual([first.peer, first.peer]);
    second.say("NOT_SERVING");
    await second.over;
    const third = await watch(2);
    await first.over;
    await client.unary({});
    expect(calls.at(-1)).toBe(third.peer);
  });

  describe("in a program", () => {
    const run = (address: string, timeoutMs: number) =>
      promisify(execFile)(
        process.execPath,
        ["--import", "tsx", "test/programs/health-checked.ts", address, `${timeoutMs}`],
        // Killed, and so rejected, where it does not exit.
        { timeout: 15_000 },
      );

    test("holds it open while a call waits for the verdict, and no longer", async () => {
      const { address, watch } = await script(transport);
      const running = run(address, Number.POSITIVE_INFINITY);
      const { over, say } = await watch(0).then((one) => ({ over: one.over, say: one.say.bind(one) }));
      // A program that nothing holds open is gone sooner.
      const later = new Promise((resolve) => setTimeout(() => resolve("still there"), 300));
      expect(await Promise.race([over, later])).toBe("still there");
      say("SERVING");
      expect(await running).toEqual({ stdout: "hello\n", stderr: "" });
      await over;
    });

    test("that is never answered holds it open for no longer than its calls", async () => {
      const { address, watch } = await script(transport);
      const running = run(address, 1000);
      await watch(0);
      expect(await running).toEqual({ stdout: `${Code.DEADLINE_EXCEEDED}\n`, stderr: "" });
    });
  });
});
