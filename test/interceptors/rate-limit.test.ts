import { getEventListeners } from "node:events";
import { Code, RpcError } from "@trunkline/runtime";
import { perMethod, perPeer, type RateLimitOptions, rateLimit } from "@trunkline/runtime/interceptors/rate-limit";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";
import { FakeClock } from "./fake-clock.js";

afterEach(stopKinds);

const answers = { unary: () => ({ text: "ok" }), serverStream: () => [{ text: "ok" }] };
const exhausted = { code: Code.RESOURCE_EXHAUSTED };

describe.each(transports)("rateLimit on $name", ({ transport }) => {
  test("a server lets a burst through, refuses what is beyond, and says when to come back", async () => {
    const clock = new FakeClock();
    const limit = rateLimit({ perSecond: 4, burst: 2, clock });
    const { client } = await startKinds(transport, answers, { interceptors: [limit] });
    await client.unary({});
    await collect(client.serverStream({}));
    const error: RpcError = await client.unary({}).catch((thrown) => thrown);
    expect(error).toMatchObject({ ...exhausted, details: expect.stringMatching(/more than 4 calls per second/) });
    expect(error.metadata.get("grpc-retry-pushback-ms")).toBe("250");
    clock.advance(249);
    await expect(collect(client.serverStream({}))).rejects.toMatchObject(exhausted);
    clock.advance(1);
    await client.unary({});
    await expect(client.unary({})).rejects.toMatchObject(exhausted);
    clock.advance(3_600_000);
    await client.unary({});
    await client.unary({});
    await expect(client.unary({})).rejects.toMatchObject(exhausted);
  });

  test("keys have buckets of their own; calls without one are not limited", async () => {
    const clock = new FakeClock();
    const key: RateLimitOptions["key"] = (call) => call.metadata.get("x-tenant");
    const { client } = await startKinds(transport, answers, {
      interceptors: [rateLimit({ perSecond: 1, key, clock }), rateLimit({ perSecond: 3, key: perMethod, clock })],
    });
    const as = (tenant: string) => client.unary({}, { metadata: { "x-tenant": tenant } });
    await as("a");
    await as("b");
    await expect(as("a")).rejects.toMatchObject(exhausted);
    await client.unary({});
    await expect(client.unary({})).rejects.toMatchObject({ details: expect.stringMatching(/more than 3/) });
    await collect(client.serverStream({}));
  });

  test("perPeer counts a host's connections together", async () => {
    const clock = new FakeClock();
    const { address, client } = await startKinds(transport, answers, {
      interceptors: [rateLimit({ perSecond: 1, key: perPeer, clock })],
    });
    await client.unary({});
    const { dial } = await import("@trunkline/runtime");
    const { kindsClient } = await import("../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js");
    const other = dial(address, { transport, connection: "short" });
    await expect(kindsClient(other).unary({})).rejects.toMatchObject(exhausted);
    await other.close();
  });

  test("a flood of keys neither grows the memory nor frees anybody", async () => {
    const clock = new FakeClock();
    const key: RateLimitOptions["key"] = (call) => call.metadata.get("x-tenant");
    const { client } = await startKinds(transport, answers, {
      interceptors: [rateLimit({ perSecond: 1, maxKeys: 2, key, clock })],
    });
    const as = (tenant: string) => client.unary({}, { metadata: { "x-tenant": tenant } });
    await as("a");
    await as("b");
    await as("c"); // No room: of the bucket for all the others.
    await expect(as("d")).rejects.toMatchObject(exhausted);
    await expect(as("a")).rejects.toMatchObject(exhausted);
    clock.advance(1000);
    await as("d"); // The bucket of b is full by now, and makes room.
    await as("a");
    await expect(as("d")).rejects.toMatchObject(exhausted);
  });

  test("a client waits for its turn up to maxWaitMs, and within its deadline", async () => {
    const clock = new FakeClock();
    const { dial } = await startKinds(transport, answers);
    const client = dial({ interceptors: [rateLimit({ perSecond: 10, burst: 1, maxWaitMs: 250, clock })] });
    await client.unary({});
    const ended: string[] = [];
    const second = client.unary({}).then(() => ended.push("second"));
    const third = client.unary({}).then(() => ended.push("third"));
    await expect(client.unary({})).rejects.toMatchObject(exhausted); // 300 ms would be too long.
    await expect(client.unary({}, { timeoutMs: 150 })).rejects.toMatchObject(exhausted);
    await clock.whenTimers(2);
    expect(ended).toEqual([]);
    clock.advance(100);
    await second;
    expect(ended).toEqual(["second"]);
    clock.advance(100);
    await third;
    expect(clock.timers).toBe(0);
  });

  test("many calls that wait with one signal are one listener of it, and all of them leave with it", async () => {
    const clock = new FakeClock();
    const { dial } = await startKinds(transport, answers);
    const client = dial({ interceptors: [rateLimit({ perSecond: 1, burst: 1, maxWaitMs: 60_000, clock })] });
    await client.unary({});
    const controller = new AbortController();
    const calls = Array.from({ length: 20 }, () => client.unary({}, { signal: controller.signal }));
    await clock.whenTimers(20);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1); // Node.js warns of more than ten.
    controller.abort();
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ reason: { code: Code.CANCELLED } });
    }
    expect(clock.timers).toBe(0);
  });

  test("a call that is cancelled while it waits gives its turn to the next", async () => {
    const clock = new FakeClock();
    let handled = 0;
    const { dial } = await startKinds(transport, { unary: () => ({ number: BigInt(++handled) }) });
    const client = dial({ interceptors: [rateLimit({ perSecond: 10, burst: 1, maxWaitMs: 100, clock })] });
    await client.unary({});
    const controller = new AbortController();
    const waiting = client.unary({}, { signal: controller.signal });
    await clock.whenTimers(1);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toMatchObject({ code: Code.CANCELLED, cause: { message: "enough" } });
    expect(clock.timers).toBe(0);
    const next = client.unary({});
    await clock.whenTimers(1);
    clock.advance(100);
    await next;
    expect(handled).toBe(2);
  });
});

test.each<[string, RateLimitOptions]>([
  ["perSecond", { perSecond: 0 }],
  ["perSecond", { perSecond: Number.NaN }],
  ["perSecond", { perSecond: "5" as never }],
  ["perSecond", { perSecond: Number.POSITIVE_INFINITY }],
  ["burst", { perSecond: 5, burst: 0.5 }],
  ["maxKeys", { perSecond: 5, maxKeys: 1.5 }],
  ["maxWaitMs", { perSecond: 5, maxWaitMs: -1 }],
])("refuses %s out of range: %j", (name, options) => {
  expect(() => rateLimit(options)).toThrow(RpcError);
  expect(() => rateLimit(options)).toThrow(new RegExp(`INVALID_ARGUMENT: ${name}: must be a`));
});
