/** Interceptors that do what they should not: the call says so, and nothing hangs or leaks. */
import { Code, type Interceptor, Reply, RpcError } from "@trunkline/runtime";
import { logging } from "@trunkline/runtime/interceptors/logging";
import { validate } from "@trunkline/runtime/interceptors/validate";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

describe.each(transports)("misuse on $name", ({ transport }) => {
  test("next called twice at a client is two calls: the reply that is returned counts", async () => {
    let handled = 0;
    const kinds = await startKinds(transport, { unary: () => ({ number: BigInt(++handled) }) });
    const twice: Interceptor = (next) => async (call) => {
      const first = next(call);
      await first.status;
      return next(call);
    };
    const client = kinds.dial({ interceptors: [twice] });
    expect(await client.unary({})).toMatchObject({ number: 2n });
    expect(handled).toBe(2);
  });

  test("a first reply that nobody reads fails without a trace", async () => {
    let handled = 0;
    const kinds = await startKinds(transport, {
      unary() {
        if (++handled === 1) throw new RpcError(Code.ABORTED, "first");
        return { number: BigInt(handled) };
      },
    });
    const twice: Interceptor = (next) => async (call) => {
      await next(call).status;
      return next(call);
    };
    expect(await kinds.dial({ interceptors: [twice] }).unary({})).toMatchObject({ number: 2n });
    // The turn in which jest would hear of a rejection that nobody handles, and fail the test.
    await new Promise(setImmediate);
  });

  test("next called twice with a stream of requests: what the first took is gone, and the call still ends", async () => {
    const kinds = await startKinds(transport, {
      clientStream: async (requests) => ({ number: BigInt((await collect(requests)).length) }),
    });
    const twice: Interceptor = (next) => async (call) => {
      await next(call).status;
      return next(call);
    };
    const requests = async function* () {
      yield {};
      yield {};
    };
    expect(await kinds.dial({ interceptors: [twice] }).clientStream(requests())).toMatchObject({ number: 0n });
  });

  test("next called twice at a server runs the handler twice", async () => {
    let handled = 0;
    const twice: Interceptor = (next) => async (call) => {
      await next(call).message;
      return next(call);
    };
    const { client } = await startKinds(
      transport,
      { unary: () => ({ number: BigInt(++handled) }) },
      { interceptors: [twice] },
    );
    expect(await client.unary({})).toMatchObject({ number: 2n });
  });

  test("a server's interceptor that never calls on keeps nobody longer than the deadline", async () => {
    let handled = 0;
    const stuck: Interceptor = () => () => new Promise<never>(() => {});
    const { client } = await startKinds(
      transport,
      { unary: () => ({ number: BigInt(++handled) }) },
      { interceptors: [stuck] },
    );
    await expect(client.unary({}, { timeoutMs: 50 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(handled).toBe(0);
  });

  test("one that calls on after its call was cancelled puts nothing on the wire", async () => {
    let handled = 0;
    const kinds = await startKinds(transport, { unary: () => ({ number: BigInt(++handled) }) });
    const go = event();
    const ended = event<Code>();
    const late: Interceptor = (next) => async (call) => {
      await go.happened;
      const reply = next(call);
      void reply.status.then(({ code }) => ended.happen(code));
      return reply;
    };
    const controller = new AbortController();
    const reply = kinds.dial({ interceptors: [late] }).unary({}, { signal: controller.signal });
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    go.happen();
    expect(await ended.happened).toBe(Code.CANCELLED);
    await kinds.client.unary({});
    expect(handled).toBe(1);
  });

  test.each<[string, Interceptor]>([
    ["logging", logging({ logger: { debug() {}, info() {}, warn() {}, error() {} } })],
    ["validate", validate(() => {})],
  ])(
    "%s tells a stream of requests on which nothing happens that its call was cancelled",
    async (_name, interceptor) => {
      const kinds = await startKinds(transport, { clientStream: () => new Promise<never>(() => {}) });
      const [waiting, closed] = [event(), event()];
      const idle: AsyncIterable<object> = {
        [Symbol.asyncIterator]: () => ({
          next() {
            waiting.happen();
            return new Promise<never>(() => {});
          },
          async return() {
            closed.happen();
            return { done: true, value: undefined };
          },
        }),
      };
      const controller = new AbortController();
      const client = kinds.dial({ interceptors: [interceptor] });
      const reply = client.clientStream(idle, { signal: controller.signal });
      await waiting.happened;
      controller.abort();
      await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
      await closed.happened;
      await expect(client.clientStream(5 as never)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
      await expect(client.clientStream(undefined as never)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    },
  );

  const answers: [string, Interceptor, Code][] = [
    ["no message where there is to be one", () => () => Reply.stream(collectNothing()), Code.UNIMPLEMENTED],
    ["two messages where there is to be one", () => () => Reply.stream(two()), Code.UNIMPLEMENTED],
    ["null", () => (() => null) as never, Code.INTERNAL],
    ["a promise of a function", () => (async () => () => {}) as never, Code.INTERNAL],
    ["next itself", (next) => (() => next) as never, Code.INTERNAL],
  ];
  test.each(answers)("a client's interceptor that answers with %s", async (_what, interceptor, code) => {
    const kinds = await startKinds(transport, { unary: () => ({}) });
    const error = await kinds
      .dial({ interceptors: [interceptor] })
      .unary({})
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code });
  });

  const faults: [string, Interceptor][] = [
    [
      "throws at once",
      () => () => {
        throw new TypeError("secret");
      },
    ],
    [
      "throws later",
      () => async () => {
        throw new TypeError("secret");
      },
    ],
    [
      "throws once the handler has answered",
      (next) => (call) =>
        next(call).map(() => {
          throw new TypeError("secret");
        }),
    ],
    ["throws what is no error", () => () => Promise.reject("secret")],
  ];
  test.each(faults)("a server's interceptor that %s: nothing leaks, onError hears", async (_what, interceptor) => {
    const reported: string[] = [];
    const { client } = await startKinds(
      transport,
      { unary: () => ({}), serverStream: () => [{}] },
      { interceptors: [interceptor], onError: (error) => reported.push(String(error)) },
    );
    for (const start of [() => client.unary({}), () => collect(client.serverStream({}))]) {
      const error: RpcError = await start().then(
        () => new RpcError(Code.OK, ""),
        (thrown) => thrown,
      );
      expect(error.code).toBe(Code.UNKNOWN);
      expect(error.message).not.toMatch(/secret/);
    }
    expect(reported).toEqual([expect.stringMatching(/secret/), expect.stringMatching(/secret/)]);
  });

  test.each([
    ["nothing", undefined],
    ["a message", { text: "x" }],
  ])("a server's interceptor that returns %s is INTERNAL", async (_what, result) => {
    const { client } = await startKinds(
      transport,
      { unary: () => ({}) },
      { interceptors: [() => (() => result) as never], onError: () => {} },
    );
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
  });

  test("a server refuses one that is no function of next", async () => {
    await expect(startKinds(transport, {}, { interceptors: [(() => 5) as never] })).rejects.toThrow(
      /must be \(next\) => \(call\) => …/,
    );
  });
});

async function* collectNothing(): AsyncGenerator<never> {}
async function* two() {
  yield {};
  yield {};
}
