import { Code, type Interceptor, Reply, RpcError } from "@trunkline/runtime";
import { type ConcurrencyLimitOptions, concurrencyLimit } from "@trunkline/runtime/interceptors/concurrency-limit";
import type { KindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";
import { FakeClock } from "./fake-clock.js";

afterEach(stopKinds);

/** Calls that run until they are told how to end. */
function held() {
  const running: ((answer: { text: string } | Error) => void)[] = [];
  let arrived = event();
  return {
    running,
    unary: () =>
      new Promise<{ text: string }>((resolve, reject) => {
        running.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
        arrived.happen();
      }),
    async whenRunning(calls: number) {
      while (running.length < calls) {
        await arrived.happened;
        arrived = event();
      }
    },
  };
}

/** Leaves a stream at its first message. */
async function leave(client: KindsClient): Promise<void> {
  for await (const _ of client.serverStream({})) break;
}

function failing() {
  return () =>
    Reply.stream({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("oops")) }),
    });
}

async function* failingRequests() {
  yield {};
  throw new Error("oops");
}

async function* never() {
  yield {};
  await new Promise(() => {});
}

describe.each(transports)("concurrencyLimit on $name", ({ transport }) => {
  test.each([Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE])(
    "a server refuses calls beyond the limit with %s",
    async (code) => {
      const limit = concurrencyLimit({ initialLimit: 2, maxLimit: 2, code });
      const handler = held();
      const { client } = await startKinds(transport, handler, { interceptors: [limit] });
      const calls = [client.unary({}), client.unary({})];
      await handler.whenRunning(2);
      await expect(client.unary({})).rejects.toMatchObject({
        code,
        details: "2 calls are running, and the concurrency limit is 2",
      });
      expect(limit.snapshot()).toEqual({ limit: 2, running: 2, waiting: 0, refused: 1 });
      handler.running[0]?.({ text: "done" });
      await calls[0];
      const third = client.unary({});
      await handler.whenRunning(3);
      handler.running[1]?.({ text: "done" });
      handler.running[2]?.({ text: "done" });
      await Promise.all([...calls, third]);
      expect(limit.snapshot()).toMatchObject({ running: 0, refused: 1 });
    },
  );

  test("a stream runs until it ends, also where it is left early", async () => {
    const limit = concurrencyLimit({ initialLimit: 1, maxLimit: 1 });
    const atServer = concurrencyLimit();
    const closed = event();
    const { dial } = await startKinds(
      transport,
      {
        async *serverStream() {
          try {
            for (;;) yield { text: "more" };
          } finally {
            closed.happen();
          }
        },
        unary: () => ({}),
      },
      { interceptors: [atServer] },
    );
    const client = dial({ interceptors: [limit] });
    for await (const _ of client.serverStream({})) {
      expect(limit.snapshot().running).toBe(1);
      await expect(client.unary({})).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
      break;
    }
    expect(limit.snapshot().running).toBe(0);
    await closed.happened;
    await client.unary({});
    expect(atServer.snapshot()).toMatchObject({ running: 0, refused: 0 });
  });

  test("at a server a generator runs until it has ended, also where its caller has gone", async () => {
    const limit = concurrencyLimit({ initialLimit: 1, maxLimit: 1 });
    const [cancelled, finish, ended] = [event(), event(), event()];
    const outside: Interceptor = (next) => (call) => {
      const reply = next(call);
      if (call.method.kind === "serverStream") void reply.status.then(() => ended.happen());
      return reply;
    };
    const { client } = await startKinds(
      transport,
      {
        async *serverStream(_request, call) {
          call.signal.addEventListener("abort", () => cancelled.happen());
          yield { text: "first" };
          await finish.happened;
        },
      },
      { interceptors: [outside, limit] },
    );
    await leave(client);
    await cancelled.happened;
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    finish.happen();
    await ended.happened;
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
    expect(limit.snapshot()).toMatchObject({ running: 0, refused: 1 });
  });

  test.each<[string, (client: KindsClient) => Promise<unknown>]>([
    ["unary", (client) => client.unary({})],
    ["serverStream", (client) => collect(client.serverStream({}))],
    ["clientStream", (client) => client.clientStream([])],
    ["bidiStream", (client) => collect(client.bidiStream([]))],
  ])("at a server a %s call that an interceptor refuses later gives its place back", async (_kind, start) => {
    const limit = concurrencyLimit({ initialLimit: 1, maxLimit: 1 });
    const changed: Interceptor = (next) => (call) => next(call).map((message) => message);
    const refusing: Interceptor = () => () => Promise.reject(new RpcError(Code.PERMISSION_DENIED, "not you"));
    const { client } = await startKinds(transport, {}, { interceptors: [limit, changed, refusing] });
    for (let twice = 0; twice < 2; twice++) {
      await expect(start(client)).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
    }
    expect(limit.snapshot()).toMatchObject({ running: 0, refused: 0 });
  });

  test("calls wait in a queue, in order, for those that run", async () => {
    const clock = new FakeClock();
    const limit = concurrencyLimit({ initialLimit: 1, maxLimit: 1, queueSize: 2, maxQueueMs: 500, clock });
    const handler = held();
    const { dial } = await startKinds(transport, handler);
    const client = dial({ interceptors: [limit] });
    const first = client.unary({});
    await handler.whenRunning(1);
    const second = client.unary({});
    const third = client.unary({});
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    expect(limit.snapshot()).toEqual({ limit: 1, running: 1, waiting: 2, refused: 1 });
    handler.running[0]?.({ text: "first" });
    await expect(first).resolves.toMatchObject({ text: "first" });
    await handler.whenRunning(2);
    expect(limit.snapshot()).toMatchObject({ running: 1, waiting: 1 });
    clock.advance(500);
    await expect(third).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
    handler.running[1]?.({ text: "second" });
    await expect(second).resolves.toMatchObject({ text: "second" });
    expect(limit.snapshot()).toEqual({ limit: 1, running: 0, waiting: 0, refused: 2 });
    expect(clock.timers).toBe(0);
  });

  test("a call may wait for ever", async () => {
    const limit = concurrencyLimit({ initialLimit: 1, queueSize: 1, maxQueueMs: Number.POSITIVE_INFINITY });
    const handler = held();
    const { dial } = await startKinds(transport, handler);
    const client = dial({ interceptors: [limit] });
    const calls = [client.unary({}), client.unary({})];
    await handler.whenRunning(1);
    // A timer that was asked to wait for ever would have fired by then.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(limit.snapshot()).toMatchObject({ running: 1, waiting: 1, refused: 0 });
    handler.running[0]?.({ text: "" });
    await handler.whenRunning(2);
    handler.running[1]?.({ text: "" });
    await Promise.all(calls);
  });

  test("a call that is cancelled leaves the queue", async () => {
    const clock = new FakeClock();
    const limit = concurrencyLimit({ initialLimit: 1, queueSize: 1, clock });
    const handler = held();
    const { dial } = await startKinds(transport, handler);
    const client = dial({ interceptors: [limit] });
    const first = client.unary({});
    const controller = new AbortController();
    const second = client.unary({}, { signal: controller.signal });
    await clock.whenTimers(1);
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(limit.snapshot()).toMatchObject({ waiting: 0, refused: 0 });
    expect(clock.timers).toBe(0);
    await handler.whenRunning(1);
    handler.running[0]?.({ text: "" });
    await first;
  });

  test("a server's call whose caller has gone leaves the queue", async () => {
    const clock = new FakeClock();
    const limit = concurrencyLimit({ initialLimit: 1, queueSize: 1, clock });
    const handler = held();
    const { client } = await startKinds(transport, handler, { interceptors: [limit] });
    const first = client.unary({});
    await handler.whenRunning(1);
    const controller = new AbortController();
    const second = client.unary({}, { signal: controller.signal });
    await clock.whenTimers(1);
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: Code.CANCELLED });
    await clock.whenNoTimer();
    handler.running[0]?.({ text: "" });
    await first;
    const third = client.unary({});
    await handler.whenRunning(2);
    handler.running[1]?.({ text: "" });
    await third;
    expect(handler.running).toHaveLength(2);
    expect(limit.snapshot()).toMatchObject({ running: 0, waiting: 0, refused: 0 });
  });

  const passOn: Interceptor = (next) => next;
  const ends: [string, Interceptor, (client: KindsClient) => unknown][] = [
    ["an inner interceptor that throws", () => () => Promise.reject(new Error("oops")), (client) => client.unary({})],
    ["an inner interceptor that throws in a stream", failing, (client) => collect(client.serverStream({}))],
    ["an inner interceptor's own answer", () => () => Reply.of({ text: "" }), (client) => client.unary({})],
    ["a stream that is changed on its way", (next) => (call) => next(call).map((note) => note), leave],
    ["a deadline", passOn, (client) => client.clientStream(never(), { timeoutMs: 20 })],
    ["a handler that throws", passOn, (client) => collect(client.bidiStream([{}]))],
    ["requests that fail", passOn, (client) => client.clientStream(failingRequests())],
    ["requests that are none", passOn, (client) => client.clientStream(5 as never)],
    ["requests that are missing", passOn, (client) => collect(client.bidiStream(undefined as never))],
  ];
  test.each(ends)("however a call ends, its place is free again: %s", async (_what, inner, call) => {
    const limit = concurrencyLimit();
    const { dial } = await startKinds(transport, {
      async clientStream(requests) {
        await collect(requests);
        return {};
      },
      serverStream: () => [{}, {}, {}],
      bidiStream() {
        throw new RpcError(Code.ABORTED, "no");
      },
    });
    await Promise.resolve(call(dial({ interceptors: [limit, inner] }))).catch((error) =>
      expect(error).toBeInstanceOf(RpcError),
    );
    expect(limit.snapshot()).toMatchObject({ running: 0, refused: 0 });
  });

  test("it grows by one for each full limit of good calls, and only where it is used", async () => {
    const limit = concurrencyLimit({ initialLimit: 2, maxLimit: 3 });
    const { dial } = await startKinds(transport, { unary: () => ({}) });
    const client = dial({ interceptors: [limit] });
    for (let i = 0; i < 3; i++) await client.unary({});
    expect(limit.snapshot().limit).toBe(3);
    for (let i = 0; i < 9; i++) await client.unary({}); // One at a time is less than half of three.
    expect(limit.snapshot().limit).toBe(3);
  });

  test("it shrinks by a tenth at a sign of overload, once for all calls that ran then", async () => {
    const limit = concurrencyLimit({ initialLimit: 10 });
    const handler = held();
    const { dial } = await startKinds(transport, handler);
    const client = dial({ interceptors: [limit] });
    const calls = Array.from({ length: 5 }, () => client.unary({}).catch((error) => error));
    await handler.whenRunning(5);
    for (const end of handler.running) end(new RpcError(Code.UNAVAILABLE, "too much"));
    await Promise.all(calls);
    expect(limit.snapshot()).toMatchObject({ limit: 9, running: 0 });
    const later = client.unary({}).catch((error) => error);
    await handler.whenRunning(6);
    handler.running[5]?.(new RpcError(Code.RESOURCE_EXHAUSTED, "still too much"));
    await later;
    expect(limit.snapshot().limit).toBe(8);
    const unrelated = client.unary({}).catch((error) => error);
    await handler.whenRunning(7);
    handler.running[6]?.(new RpcError(Code.NOT_FOUND, "no"));
    await unrelated;
    expect(limit.snapshot().limit).toBe(8);
  });

  test("a slow unary call is a sign of overload, a long stream is none; it stops at minLimit", async () => {
    const clock = new FakeClock();
    const limit = concurrencyLimit({ initialLimit: 4, minLimit: 3, backoffRatio: 0.5, slowMs: 100, clock });
    const slowly = () => {
      clock.advance(101);
      return {};
    };
    const { dial } = await startKinds(transport, { unary: slowly, serverStream: () => [slowly()] });
    const client = dial({ interceptors: [limit] });
    await collect(client.serverStream({}));
    expect(limit.snapshot().limit).toBe(4);
    await client.unary({});
    expect(limit.snapshot().limit).toBe(3);
  });
});

test.each<[string, ConcurrencyLimitOptions]>([
  ["minLimit", { minLimit: 0 }],
  ["maxLimit", { minLimit: 5, maxLimit: 4 }],
  ["initialLimit", { initialLimit: 2000 }],
  ["backoffRatio", { backoffRatio: 1 }],
  ["backoffRatio", { backoffRatio: 0.4 }],
  ["slowMs", { slowMs: 0 }],
  ["queueSize", { queueSize: -1 }],
  ["maxQueueMs", { maxQueueMs: Number.NaN }],
])("refuses %s out of range: %j", (name, options) => {
  expect(() => concurrencyLimit(options)).toThrow(new RegExp(`INVALID_ARGUMENT: ${name}: must be a`));
});
