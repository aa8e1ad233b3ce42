import { setTimeout as sleep } from "node:timers/promises";
import { Code, codeName, RpcError, type ServerCall, sender } from "@trunkline/runtime";
import type { KindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

/** Until `signal` aborts. */
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });

describe.each(transports)("how calls end on $name", ({ transport }) => {
  test("an error with the code OK is no answer", async () => {
    const seen: unknown[] = [];
    const odd = new RpcError(Code.OK, "all is well");
    const { client } = await startKinds(
      transport,
      {
        unary: () => {
          throw odd;
        },
      },
      { onError: (error) => seen.push(error) },
    );
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
    expect(seen).toEqual([odd]);
  });

  test("a caller's signal cancels at both ends", async () => {
    const started = event();
    const ended = event<unknown>();
    const { client } = await startKinds(transport, {
      async unary(_request, call) {
        started.happen();
        ended.happen(await aborted(call.signal));
        return {};
      },
    });
    const controller = new AbortController();
    const reply = client.unary({}, { signal: controller.signal });
    await started.happened;
    controller.abort(new Error("changed my mind"));
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED, cause: { message: "changed my mind" } });
    await expect(ended.happened).resolves.toMatchObject({ code: Code.CANCELLED });
  });

  test.each<[string, (aborted: unknown) => unknown, string[]]>([
    ["stops as its signal tells it is no fault", (aborted) => aborted, []],
    ["fails while it stops still is one", () => new TypeError("clumsy"), ["TypeError: clumsy"]],
  ])("a handler that %s", async (_what, toThrow, faults) => {
    const reported: unknown[] = [];
    const started = event();
    const stopped = event();
    const unary = async (_request: unknown, call: ServerCall) => {
      started.happen();
      return sleep(60_000, {}, { signal: call.signal }).catch((aborted) => {
        setImmediate(stopped.happen);
        throw toThrow(aborted);
      });
    };
    const { client } = await startKinds(transport, { unary }, { onError: (error) => reported.push(error) });
    const controller = new AbortController();
    const reply = client.unary({}, { signal: controller.signal });
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await stopped.happened;
    expect(reported.map(String)).toEqual(faults);
  });

  test("a signal that has aborted sends nothing", async () => {
    const { client } = await startKinds(transport, { unary: () => ({}) });
    const error = await client.unary({}, { signal: AbortSignal.abort() }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: Code.CANCELLED, attempts: 0 });
  });

  test("leaving a response stream early cancels the call and closes the generator", async () => {
    const closed = event<boolean>();
    const { client } = await startKinds(transport, {
      async *serverStream(_request, call) {
        try {
          for (;;) yield { text: "more" };
        } finally {
          closed.happen(call.signal.aborted);
        }
      },
    });
    for await (const _ of client.serverStream({})) break;
    expect(await closed.happened).toBe(true);
  });

  test("a call inside a handler ends with its parent", async () => {
    const started = event();
    const ended = event<unknown>();
    const inner = await startKinds(transport, {
      async unary(_request, call) {
        started.happen();
        ended.happen(await aborted(call.signal));
        return {};
      },
    });
    const outer = await startKinds(transport, {
      unary: (_request, call) => inner.client.unary({}, { parent: call }),
    });
    const controller = new AbortController();
    const reply = outer.client.unary({}, { signal: controller.signal, timeoutMs: 60_000 });
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await ended.happened;
  });

  test("a deadline reaches the server and cuts a handler that never returns", async () => {
    const left = event<number>();
    const ended = event<unknown>();
    const { client } = await startKinds(transport, {
      async unary(_request, call) {
        left.happen(call.timeLeftMs());
        ended.happen(await aborted(call.signal));
        return new Promise(() => {});
      },
    });
    await expect(client.unary({}, { timeoutMs: 150 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(await left.happened).toBeGreaterThan(0);
    expect(await left.happened).toBeLessThanOrEqual(150);
    expect(["DEADLINE_EXCEEDED", "CANCELLED"]).toContain(((await ended.happened) as RpcError).message.split(":")[0]);
  });

  test.each([
    ["a deadline in the past", { deadline: Date.now() - 1000 }],
    ["a timeout of zero", { timeoutMs: 0 }],
    ["a negative timeout", { timeoutMs: -5 }],
  ])("%s fails at once, unsent", async (_what, options) => {
    let calls = 0;
    const { client } = await startKinds(transport, { unary: () => ({ number: BigInt(++calls) }) });
    await client.unary({});
    await expect(client.unary({}, options)).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED, attempts: 0 });
    expect(calls).toBe(1);
  });

  test("a timeout that is not a number is refused", async () => {
    const { client } = await startKinds(transport, { unary: () => ({}) });
    const reply = client.unary({}, { timeoutMs: Number.NaN });
    await expect(reply).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/timeoutMs/),
    });
  });

  test("the error that a handler throws arrives with code, text and metadata", async () => {
    const { client } = await startKinds(transport, {
      unary: (_request, call) => {
        call.trailers.set("x-trailer", "kept");
        const error = new RpcError(Code.NOT_FOUND, "no ü, 100 % sure\n");
        error.metadata.set("x-why", "gone");
        throw error;
      },
    });
    const error = await client.unary({}).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "no ü, 100 % sure\n", attempts: 1 });
    expect(error.message).toBe("NOT_FOUND: no ü, 100 % sure\n");
    expect(error.metadata.get("x-why")).toBe("gone");
    expect(error.metadata.get("x-trailer")).toBe("kept");
    expect(error.elapsedMs).toBeGreaterThan(0);
  });

  test("an error in the middle of a stream comes after its messages", async () => {
    const { client } = await startKinds(transport, {
      async *serverStream() {
        yield { text: "first" };
        throw new RpcError(Code.DATA_LOSS, "torn");
      },
    });
    const got: string[] = [];
    const read = async () => {
      for await (const { text } of client.serverStream({})) got.push(text);
    };
    await expect(read()).rejects.toMatchObject({ code: Code.DATA_LOSS, details: "torn" });
    expect(got).toEqual(["first"]);
  });

  test.each<[string, () => never]>([
    [
      "a string",
      () => {
        throw "secret";
      },
    ],
    [
      "a plain error",
      () => {
        throw new Error("secret");
      },
    ],
  ])("%s thrown by a handler stays inside and reaches onError", async (_what, fail) => {
    for (const handler of [fail, async () => fail()]) {
      const reported = event<unknown>();
      const { client } = await startKinds(transport, { unary: handler }, { onError: reported.happen });
      const error = await client.unary({}).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: Code.UNKNOWN });
      expect(error.details).not.toMatch(/secret/);
      expect(String(await reported.happened)).toMatch(/secret/);
      await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNKNOWN }); // The server lives on.
    }
  });

  test.each<[string, (call: ServerCall, client: KindsClient) => unknown]>([
    ["a metadata key that there cannot be", (call) => call.trailers.set("Bad Key", "x")],
    [
      "headers that were sent twice",
      (call) => {
        call.sendHeaders();
        call.sendHeaders();
      },
    ],
    [
      "a timeout that is none, of a call that the handler makes",
      (_call, client) => client.unary({}, { timeoutMs: Number.NaN }),
    ],
  ])("%s is a fault of the handler, and no answer to its caller", async (_what, misuse) => {
    const reported = event<unknown>();
    const { client } = await startKinds(
      transport,
      {
        async unary(_request, call) {
          await misuse(call, client);
          return {};
        },
      },
      { onError: reported.happen },
    );
    const error = await client.unary({}).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: Code.UNKNOWN, details: "the server failed to handle the call" });
    expect(await reported.happened).toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("onEnd tells how each call ended, once, and whoever asks later at once", async () => {
    const ends: string[] = [];
    const cancelled = event();
    const { client } = await startKinds(transport, {
      unary({ text }, call) {
        call.trailers.set("x-tail", "1");
        call.onEnd(({ code, metadata }) => {
          ends.push(`${text}: ${codeName(code)} ${metadata.get("x-tail") ?? "-"}`);
          call.onEnd((again) => ends.push(`again ${codeName(again.code)}`));
        });
        if (text === "fails") throw new RpcError(Code.NOT_FOUND, "nothing");
        return {};
      },
      async *serverStream(_request, call) {
        call.onEnd(({ code }) => {
          // Who called is known to the end.
          expect(call.peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
          ends.push(codeName(code));
          cancelled.happen();
        });
        yield {};
        await aborted(call.signal);
      },
    });
    await client.unary({ text: "works" });
    await client.unary({ text: "fails" }).catch(() => {});
    for await (const _ of client.serverStream({})) break;
    await cancelled.happened;
    expect(ends).toEqual(["works: OK 1", "again OK", "fails: NOT_FOUND 1", "again NOT_FOUND", "CANCELLED"]);
  });

  test("a handler that answers with the wrong kind of value is a fault of the server", async () => {
    const reported: unknown[] = [];
    const { client } = await startKinds(
      transport,
      { unary: () => 7 as never, serverStream: () => 7 as never },
      { onError: (error) => reported.push(error) },
    );
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
    await expect(collect(client.serverStream({}))).rejects.toMatchObject({ code: Code.INTERNAL });
    expect(reported.map(String)).toEqual([
      "TypeError: a kinds.v1.Note must be an object, not 7",
      expect.stringMatching(/TypeError: a stream must be an async iterable.*not 7/),
    ]);
  });

  test("a request that cannot be encoded fails its call alone", async () => {
    const { client } = await startKinds(transport, { unary: () => ({}) });
    const reply = client.unary({ number: "x" as never });
    await expect(reply).rejects.toMatchObject({
      code: Code.INTERNAL,
      details: expect.stringMatching(/kinds\.v1\.Note/),
    });
    await client.unary({});
  });

  test("requests that throw cancel the call and surface the error", async () => {
    const started = event();
    const ended = event<unknown>();
    const { client } = await startKinds(transport, {
      async clientStream(requests, call) {
        started.happen();
        await collect(requests).catch(() => {});
        ended.happen(await aborted(call.signal));
        return {};
      },
    });
    const cause = new Error("disk full");
    const requests = async function* () {
      yield { text: "a" };
      await started.happened;
      throw cause;
    };
    const reply = client.clientStream(requests());
    await expect(reply).rejects.toMatchObject({
      code: Code.CANCELLED,
      details: expect.stringMatching(/disk full/),
      cause,
    });
    await ended.happened;
  });

  test.each([7, null, undefined, {}, "text"])("requests that are %p are refused", async (requests) => {
    const { client } = await startKinds(transport, { clientStream: () => ({}) });
    const details = expect.stringMatching(/must be an async iterable/);
    await expect(client.clientStream(requests as never)).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details,
    });
    const stream = collect(client.bidiStream(requests as never));
    await expect(stream).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, details });
  });

  test("a request generator is closed when the call ends without it", async () => {
    const closed = event();
    const { client } = await startKinds(transport, { clientStream: () => ({ text: "enough" }) });
    const requests = async function* () {
      try {
        for (;;) {
          yield { text: "more" };
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed.happen();
      }
    };
    await client.clientStream(requests());
    await closed.happened;
  });

  test.each(["onHeaders", "onTrailers"])("%s that throws fails its call alone", async (hook) => {
    const { client } = await startKinds(transport, {
      unary: (_request, call) => {
        call.sendHeaders({ "x-a": "1" });
        return { text: "hi" };
      },
      serverStream: () => [{}],
    });
    const cause = new Error("oops");
    const options = {
      [hook]: () => {
        throw cause;
      },
    };
    const expected = { code: Code.CANCELLED, details: `${hook} threw: oops`, cause };
    await expect(client.unary({}, options)).rejects.toMatchObject(expected);
    if (hook === "onTrailers") await expect(collect(client.serverStream({}, options))).rejects.toMatchObject(expected);
    await expect(client.unary({})).resolves.toMatchObject({ text: "hi" });
  });

  test("an AbortError of a handler that did as its signal said is no fault", async () => {
    const started = event();
    const reported: unknown[] = [];
    const done = event();
    const { client } = await startKinds(
      transport,
      {
        async unary(_request, call) {
          started.happen();
          await aborted(call.signal);
          setImmediate(done.happen);
          throw new DOMException("aborted", "AbortError");
        },
      },
      { onError: (error) => reported.push(error) },
    );
    const controller = new AbortController();
    const reply = client.unary({}, { signal: controller.signal });
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await done.happened;
    expect(reported).toEqual([]);
  });

  test("what a streaming handler throws after its call was cancelled is reported all the same", async () => {
    const reported = event<unknown>();
    const { client } = await startKinds(
      transport,
      {
        async *serverStream(_request, call) {
          yield { text: "first" };
          await aborted(call.signal);
          throw new Error("could not clean up");
        },
      },
      { onError: reported.happen },
    );
    for await (const _ of client.serverStream({})) break;
    expect(String(await reported.happened)).toBe("Error: could not clean up");
  });

  test("requests whose closing throws do no harm", async () => {
    const { client } = await startKinds(transport, { clientStream: () => ({ text: "enough" }) });
    const requests: AsyncIterable<object> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: () => {
          throw new Error("not so fast");
        },
      }),
    };
    await expect(client.clientStream(requests)).resolves.toMatchObject({ text: "enough" });
  });

  test("a sender that nobody reads any more rejects, and does not end the process when that is not awaited", async () => {
    const { client } = await startKinds(transport, {
      // biome-ignore lint/correctness/useYield: it ends before it has anything to say.
      async *bidiStream() {
        throw new RpcError(Code.ABORTED, "no");
      },
    });
    const requests = sender<{ text: string }>();
    await expect(collect(client.bidiStream(requests))).rejects.toMatchObject({ code: Code.ABORTED });
    void requests.send({ text: "unheard" });
    await expect(requests.send({ text: "late" })).rejects.toMatchObject({ code: Code.CANCELLED });
  });

  test("after close() calls reject with UNAVAILABLE, and the next dial works", async () => {
    const kinds = await startKinds(transport, { unary: () => ({ text: "hi" }) });
    await kinds.client.unary({});
    await kinds.channel.close();
    expect(kinds.channel.state).toBe("SHUTDOWN");
    await expect(kinds.client.unary({})).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
      details: expect.stringMatching(/closed/),
    });
    await expect(kinds.dial().unary({})).resolves.toMatchObject({ text: "hi" });
  });
});
