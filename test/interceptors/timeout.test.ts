/** `timeout`: no call takes longer, on either side. */
import { jest } from "@jest/globals";
import { Code, type Interceptor, Reply, type ServerCall } from "@trunkline/runtime";
import { timeout } from "@trunkline/runtime/interceptors/timeout";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

const never = () => new Promise<never>(() => {});
async function* stuckAfterOne() {
  yield { text: "first" };
  await never();
}

describe.each(transports)("timeout on $name", ({ transport }) => {
  test("at a client it becomes the deadline, and travels", async () => {
    const { dial } = await startKinds(transport, {
      unary: (_request, call) => ({ text: String(call.timeLeftMs() <= 60_000) }),
    });
    const client = dial({ interceptors: [timeout(60_000)] });
    await expect(client.unary({})).resolves.toMatchObject({ text: "true" });
    await expect(client.unary({}, { timeoutMs: 120_000 })).resolves.toMatchObject({ text: "true" });
  });

  test("a deadline that is earlier stays", async () => {
    const { dial } = await startKinds(
      transport,
      { unary: (_request, call) => ({ text: String(call.timeLeftMs() <= 5000) }) },
      { interceptors: [timeout(60_000)] },
    );
    const client = dial({ interceptors: [timeout(60_000)] });
    await expect(client.unary({}, { timeoutMs: 5000 })).resolves.toMatchObject({ text: "true" });
  });

  test("at a client it ends a call of which nothing is heard", async () => {
    const { dial } = await startKinds(transport, { unary: never, serverStream: stuckAfterOne });
    const client = dial({ interceptors: [timeout((call) => (call.method.kind === "unary" ? 30 : 60))] });
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await expect(collect(client.serverStream({}))).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  test("at a server the handler sees the time it has, and is cut off with its signal aborted", async () => {
    const aborted = event<unknown>();
    const calls: ServerCall[] = [];
    const { client } = await startKinds(
      transport,
      {
        unary(_request, call) {
          calls.push(call);
          call.signal.addEventListener("abort", () => aborted.happen(call.signal.reason));
          return never();
        },
      },
      { interceptors: [timeout(100)] },
    );
    const error = await client.unary({}, { timeoutMs: 60_000 }).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: Code.DEADLINE_EXCEEDED,
      details: expect.stringMatching(/^the server takes at most \d+ ms for \/kinds\.v1\.Kinds\/Unary$/),
    });
    // What is left when the deadline is set: a machine may stand still just before.
    const takesMs = Number(/\d+/.exec(error.details)![0]);
    expect(takesMs).toBeGreaterThan(50);
    expect(takesMs).toBeLessThanOrEqual(100);
    expect(await aborted.happened).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    // Timers of Node.js may fire a fraction of a millisecond early.
    expect(calls[0]?.timeLeftMs()).toBeLessThan(2);
    expect(calls[0]?.deadline?.getTime()).toBeLessThan(Date.now() + 1000);
  });

  test("a handler passes on what is left with { parent: call }", async () => {
    const inner = await startKinds(transport, {
      unary: (_request, call) => ({ text: String(call.timeLeftMs() <= 60_000) }),
    });
    const outer = await startKinds(
      transport,
      { unary: (request, call) => inner.client.unary(request, { parent: call }) },
      { interceptors: [timeout(60_000)] },
    );
    await expect(outer.client.unary({})).resolves.toMatchObject({ text: "true" });
  });

  test("at a server it cuts a stream that is stuck, after what it has sent", async () => {
    const { client } = await startKinds(
      transport,
      { serverStream: stuckAfterOne, bidiStream: stuckAfterOne, clientStream: never },
      { interceptors: [timeout(100)] },
    );
    for (const stream of [client.serverStream({}), client.bidiStream([])]) {
      const texts: string[] = [];
      const reading = (async () => {
        for await (const { text } of stream) texts.push(text);
      })();
      await expect(reading).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      expect(texts).toEqual(["first"]);
    }
    await expect(client.clientStream([])).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  test("a call in time is left alone, and so is one that the function says nothing of", async () => {
    const { client } = await startKinds(
      transport,
      {
        unary: ({ text }) => ({ text }),
        serverStream: ({ text }) => [{ text }, { text }],
        clientStream: (_requests, call) => ({ text: String(call.timeLeftMs()) }),
      },
      { interceptors: [timeout(({ method }) => (method.kind === "clientStream" ? undefined : 60_000))] },
    );
    await expect(client.unary({ text: "x" })).resolves.toMatchObject({ text: "x" });
    await expect(collect(client.serverStream({ text: "x" }))).resolves.toHaveLength(2);
    await expect(client.clientStream([])).resolves.toMatchObject({ text: "Infinity" });
  });

  test("no timer outlives its call, be it that something outside of it has answered", async () => {
    const set = jest.spyOn(globalThis, "setTimeout");
    const clear = jest.spyOn(globalThis, "clearTimeout");
    const hourMs = 3_600_000;
    const fallback: Interceptor = (next) => (call) => {
      next(call);
      return Reply.of({ text: "fallback" });
    };
    try {
      const { client } = await startKinds(
        transport,
        { unary: never },
        { interceptors: [fallback, timeout(9 * hourMs)] },
      );
      await expect(client.unary({})).resolves.toMatchObject({ text: "fallback" });
      const isIts = (ms: unknown) => Number(ms) > 8 * hourMs && Number(ms) < 10 * hourMs;
      const timers = set.mock.results.filter((_timer, i) => isIts(set.mock.calls[i]?.[1]));
      expect(timers).toHaveLength(1);
      expect(clear).toHaveBeenCalledWith(timers[0]?.value);
    } finally {
      set.mockRestore();
      clear.mockRestore();
    }
  });

  test("leaving a stream early ends the handler's generator", async () => {
    const closed = event();
    const { client } = await startKinds(
      transport,
      {
        async *serverStream() {
          try {
            for (;;) yield { text: "more" };
          } finally {
            closed.happen();
          }
        },
      },
      { interceptors: [timeout(60_000)] },
    );
    for await (const _ of client.serverStream({})) break;
    await closed.happened;
  });

  test("a function that says nonsense fails the call", async () => {
    const { dial } = await startKinds(transport, { unary: () => ({}) });
    const client = dial({ interceptors: [timeout(() => Number.NaN)] });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/timeout\(\)/),
    });
  });
});

test.each([0, -1, Number.NaN, "5" as never, undefined as never])("timeout(%p) is refused", (limit) => {
  expect(() => timeout(limit)).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
});
