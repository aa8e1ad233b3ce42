import { Code, type DialOptions, type ServerCall } from "@trunkline/runtime";
import { event, startKinds } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";
import { becomes, echo, holds, nextEvent, portOf, startProxied, stopProxied } from "./proxied.js";

afterEach(stopProxied);

/** Calls that stay in flight until they are let go. */
function gate() {
  const { happened, happen } = event();
  const peers = new Set<string>();
  let waiting = 0;
  const unary = async ({ text = "" }: { text?: string }, call: ServerCall) => {
    peers.add(call.peer.address);
    if (text !== "wait") return { text };
    waiting++;
    await happened;
    return { text };
  };
  return {
    methods: { ...echo, unary },
    peers,
    open: happen,
    arrived: (count: number) => holds(() => waiting === count),
  };
}

describe.each(wireTransports)("a pool on $name", ({ transport }) => {
  test.each(["least-loaded", "round-robin", "random"] as const)(
    "has its size, and calls go to all: %s",
    async (pick) => {
      const { methods, open, arrived } = gate();
      const { client, proxy, channel } = await startProxied(transport, { pool: { size: 3, pick } }, methods);
      channel.connect();
      await holds(() => proxy.accepted === 3 && channel.stats.ageMs !== undefined);
      const calls = Array.from({ length: 60 }, () => client.unary({ text: "wait" }));
      await arrived(60);
      expect(channel.stats).toMatchObject({ channels: 3, inFlight: 60, queued: 0 });
      open();
      await Promise.all(calls);
      expect(proxy.accepted).toBe(3);
    },
  );

  test("grows before a call has to wait, queues when it is full, and shrinks when it is idle", async () => {
    const { methods, open, arrived } = gate();
    const { client, proxy, channel } = await startProxied(
      transport,
      { pool: { min: 1, max: 2, maxStreamsPerConnection: 10 }, idleTimeoutMs: 100 },
      methods,
    );
    const wait = (count: number) => Array.from({ length: count }, () => client.unary({ text: "wait" }));
    const first = wait(7);
    await arrived(7);
    expect(channel.stats.channels).toBe(1);
    const more = wait(13);
    await arrived(20);
    expect(channel.stats).toMatchObject({ channels: 2, inFlight: 20, queued: 0 });
    const queued = wait(5);
    expect(channel.stats).toMatchObject({ channels: 2, inFlight: 20, queued: 5 });
    expect(proxy.accepted).toBe(2);
    open();
    await Promise.all([...first, ...more, ...queued]);
    expect(channel.stats).toMatchObject({ callsSucceeded: 25, queued: 0, inFlight: 0 });
    // A stream keeps it from being idle altogether: it keeps its smallest size.
    const shrunk = event();
    const stream = client.bidiStream(
      (async function* () {
        yield {};
        await shrunk.happened;
      })(),
    );
    const reading = stream[Symbol.asyncIterator]();
    await reading.next();
    await holds(() => channel.stats.channels === 1);
    shrunk.happen();
    await reading.next();
    await becomes(channel, "IDLE");
    expect(channel.stats.channels).toBe(0);
  });

  test("has a bound on what waits; what waits keeps its deadline and can be cancelled", async () => {
    const { methods, open, arrived } = gate();
    const pool = { size: 1, maxStreamsPerConnection: 2, maxQueuedCalls: 3 };
    const { client, channel } = await startProxied(transport, { pool }, methods);
    await channel.waitForReady();
    const inFlight = [client.unary({ text: "wait" }), client.unary({ text: "wait" })];
    await arrived(2);
    const late = client.unary({}, { timeoutMs: 50 });
    const controller = new AbortController();
    const cancelled = client.unary({}, { signal: controller.signal });
    const patient = client.unary({ text: "patient" });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      details: expect.stringMatching(/3 calls wait for a connection to .* \(pool\.maxQueuedCalls\)/),
    });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: Code.CANCELLED });
    await expect(late).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(channel.stats.queued).toBe(1);
    open();
    expect(await patient).toMatchObject({ text: "patient" });
    await Promise.all(inFlight);
  });

  test("keeps to the channels that work", async () => {
    const { client, proxy, channel } = await startProxied(transport, { pool: { size: 2, pick: "round-robin" } });
    channel.connect();
    await holds(() => proxy.accepted === 2);
    await Promise.all(Array.from({ length: 10 }, () => client.unary({})));
    const lost = nextEvent(channel, "disconnected");
    proxy.silence(true);
    proxy.resetOne();
    await lost;
    for (let i = 0; i < 20; i++) await client.unary({}, { timeoutMs: 5000 });
    expect(channel.stats.callsFailed).toBe(0);
  });
});

describe.each(wireTransports)("rotation on $name", ({ transport }) => {
  const rotating: DialOptions = { maxAgeMs: 60 };

  test("the new connection is ready before the old one drains: no call fails, streams go on", async () => {
    const { client, proxy, channel } = await startProxied(transport, rotating);
    const release = event();
    const stream = client
      .bidiStream(
        (async function* () {
          yield { text: "first" };
          await release.happened;
          yield { text: "last" };
        })(),
      )
      [Symbol.asyncIterator]();
    await stream.next();
    const states: string[] = [];
    channel.watch((state) => states.push(state));
    let calls = 0;
    while (proxy.accepted < 5) {
      await Promise.all(Array.from({ length: 10 }, () => client.unary({})));
      calls += 10;
    }
    release.happen();
    expect((await stream.next()).value).toMatchObject({ text: "last" });
    expect((await stream.next()).done).toBe(true);
    expect(channel.stats).toMatchObject({ callsSucceeded: calls + 1, callsFailed: 0 });
    expect(states.filter((state) => state !== "READY" && state !== "CONNECTING")).toEqual([]);
    await holds(() => proxy.open <= 2);
  });

  test("the old connection stays where no new one can be had", async () => {
    const { client, proxy, channel } = await startProxied(transport, { ...rotating, connectTimeoutMs: 50 });
    await client.unary({});
    proxy.silence(true);
    await holds(() => proxy.accepted > 1);
    await holds(() => proxy.open === 1);
    expect(await client.unary({ text: "still" })).toMatchObject({ text: "still" });
    expect(channel.stats.callsFailed).toBe(0);
  });

  test("a server's GOAWAY: calls in flight finish, new calls go to another connection", async () => {
    const { methods, open, arrived } = gate();
    const { client, proxy, channel, kinds } = await startProxied(transport, {}, methods);
    const inFlight = [1, 2, 3].map(() => client.unary({ text: "wait" }));
    await arrived(3);
    const successor = await startKinds(transport, echo);
    proxy.redirect(portOf(successor));
    const goaway = nextEvent(channel, "goaway");
    const down = kinds.server.shutdown({ graceMs: 10_000 });
    await goaway;
    const fresh = await Promise.all(Array.from({ length: 20 }, (_, i) => client.unary({ text: `${i}` })));
    expect(fresh).toHaveLength(20);
    expect(proxy.accepted).toBe(2);
    open();
    expect(await Promise.all(inFlight)).toHaveLength(3);
    await down;
    expect(channel.stats.callsFailed).toBe(0);
  });

  test("calls that race a GOAWAY are tried again where the server did not process them", async () => {
    const { client, proxy, kinds, channel } = await startProxied(transport);
    await client.unary({});
    const successor = await startKinds(transport, echo);
    proxy.redirect(portOf(successor));
    const down = kinds.server.shutdown({ graceMs: 10_000 });
    const racing = await Promise.allSettled(Array.from({ length: 100 }, () => client.unary({})));
    await down;
    expect(racing.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(channel.stats.callsFailed).toBe(0);
  });
});
