import { jest } from "@jest/globals";
import { Code } from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { event } from "../runtime/kinds.js";
import { wireTransports } from "../runtime/transports.js";
import { becomes, dialled, echo, nextEvent, startProxied, stopProxied } from "./proxied.js";

afterEach(stopProxied);
afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(wireTransports)("a connection on $name", ({ transport }) => {
  test("that is black-holed under a call is given up by keepalive, and the next call works", async () => {
    const arrived = event();
    const unary = ({ text = "" }) => {
      if (text !== "hang") return { text };
      arrived.happen();
      return new Promise<never>(() => {});
    };
    const { client, proxy, channel } = await startProxied(
      transport,
      { keepalive: { timeMs: 100, timeoutMs: 100 } },
      { ...echo, unary },
    );
    const stuck = client.unary({ text: "hang" });
    await arrived.happened;
    const lost = nextEvent(channel, "disconnected");
    proxy.blackHole();
    await expect(stuck).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    expect(await lost).toMatchObject({ reason: expect.stringMatching(/no longer answered|did not answer a ping/) });
    expect(await client.unary({ text: "again" })).toMatchObject({ text: "again" });
  });

  test("that is black-holed while idle is not trusted after a while: callers notice nothing", async () => {
    const { client, proxy, channel } = await startProxied(transport, { probeAfterIdleMs: 0 });
    await client.unary({});
    proxy.blackHole();
    // The smallest time that a clock shows.
    const then = performance.now();
    while (performance.now() === then);
    expect(await client.unary({ text: "new" }, { timeoutMs: 5000 })).toMatchObject({ text: "new" });
    expect(proxy.accepted).toBe(2);
    expect(channel.stats).toMatchObject({ callsFailed: 0, channels: 1 });
  });

  test("is trusted for as long as the options say", async () => {
    const { client, proxy } = await startProxied(transport, { probeAfterIdleMs: 60_000 });
    await client.unary({});
    await client.unary({});
    expect(proxy.accepted).toBe(1);
  });

  test("is not trusted after the process was suspended", async () => {
    const { client, proxy } = await startProxied(transport);
    await client.unary({});
    proxy.blackHole();
    const now = Date.now.bind(Date);
    jest.spyOn(Date, "now").mockImplementation(() => now() + 3_600_000);
    expect(await client.unary({ text: "awake" }, { timeoutMs: 5000 })).toMatchObject({ text: "awake" });
    await client.unary({});
    expect(proxy.accepted).toBe(2);
  });

  test("to a peer that accepts and says nothing is given up, and tried again", async () => {
    const { client, proxy, channel } = await startProxied(transport, {
      connectTimeoutMs: 100,
      backoff: { initialMs: 20, maxMs: 20 },
    });
    proxy.silence(true);
    const backoff = nextEvent(channel, "backoff");
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/accepted the connection and said nothing for 100 ms/),
    });
    expect(await backoff).toMatchObject({ reason: expect.stringMatching(/said nothing for 100 ms/) });
    proxy.silence(false);
    expect(await client.unary({ text: "at last" }, { waitForReady: true })).toMatchObject({ text: "at last" });
  });

  test("is closed when it is idle, and opened by the next call", async () => {
    const { client, proxy, channel } = await startProxied(transport, { idleTimeoutMs: 50 });
    await client.unary({});
    await becomes(channel, "IDLE");
    await client.unary({});
    expect(proxy.accepted).toBe(2);
    await becomes(channel, "IDLE");
  });

  test("is not idle while a stream is open", async () => {
    const { client, proxy, channel } = await startProxied(transport, { idleTimeoutMs: 50 });
    const idle = event();
    channel.watch((state) => state === "IDLE" && idle.happen());
    const until = performance.now() + 200;
    for await (const _ of client.serverStream({})) if (performance.now() > until) break;
    expect(proxy.accepted).toBe(1);
    await idle.happened;
  });

  test("works after a reset while it was idle; in the same turn a call fails or works, and does not hang", async () => {
    const { client, proxy, channel } = await startProxied(transport);
    await client.unary({});
    const lost = nextEvent(channel, "disconnected");
    proxy.reset();
    await lost;
    expect(await client.unary({ text: "after" })).toMatchObject({ text: "after" });
    proxy.reset();
    const [outcome] = await Promise.allSettled([client.unary({ text: "at once" })]);
    if (outcome?.status === "rejected") expect(outcome.reason).toMatchObject({ code: Code.UNAVAILABLE });
    expect(await client.unary({ text: "then" })).toMatchObject({ text: "then" });
  });

  test("keepalive: false and an endless backoff are taken as they are", async () => {
    const { proxy } = await startProxied(transport);
    const never = Number.POSITIVE_INFINITY;
    const channel = dialled(proxy.address, {
      transport,
      keepalive: false,
      idleTimeoutMs: never,
      probeAfterIdleMs: never,
      connectTimeoutMs: never,
      backoff: { maxMs: never },
    });
    expect(await kindsClient(channel).unary({ text: "fine" })).toMatchObject({ text: "fine" });
  });
});
