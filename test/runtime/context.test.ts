/** What a call hands to the calls made on its behalf: parents that are inherited by themselves, and values. */
import {
  CallContext,
  type CallOptions,
  Code,
  createContextKey,
  type Interceptor,
  type RpcError,
  Server,
  type ServerCall,
} from "@trunkline/runtime";
import type { KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, type Kinds, startKinds, stopKinds } from "./kinds.js";
import { transports, wireTransports } from "./transports.js";

afterEach(stopKinds);

const tenant = createContextKey<string>("tenant");
const depth = createContextKey("depth", 0);

test("no storage is made unless a server wants one", () => {
  const { [Symbol.for("trunkline.propagation")]: shared } = globalThis as { [place: symbol]: { storage?: unknown } };
  new Server();
  new Server({ propagate: "explicit" });
  expect(shared?.storage).toBeUndefined();
  new Server({ propagate: "auto" });
  expect(shared?.storage).toBeDefined();
});

describe("a context", () => {
  test("has what was set, else what is behind it, else the default", () => {
    const behind = new CallContext().set(tenant, "acme").set(depth, 1);
    const context = new CallContext(new CallContext(), behind);
    expect(context.get(tenant)).toBe("acme");
    expect(context.set(depth, 2).get(depth)).toBe(2);
    expect(behind.get(depth)).toBe(1);
    expect(new CallContext().get(depth)).toBe(0);
    expect(new CallContext().get(tenant)).toBeUndefined();
  });

  test("undefined can be set, and hides what is behind", () => {
    const maybe = createContextKey<string | undefined>("maybe", "default");
    const context = new CallContext(new CallContext().set(maybe, "behind")).set(maybe, undefined);
    expect(context.get(maybe)).toBeUndefined();
    expect(context.has(maybe)).toBe(true);
  });

  test("keys of the same name are different keys", () => {
    const context = new CallContext().set(tenant, "acme");
    expect(context.has(createContextKey("tenant"))).toBe(false);
  });
});

describe.each(transports)("context on $name", ({ transport }) => {
  test("interceptors and handler of a server share one, a call its own", async () => {
    const seen: unknown[] = [];
    const count: Interceptor = (next) => (call) => {
      call.context.set(depth, call.context.get(depth) + 1);
      return next(call);
    };
    const { client } = await startKinds(
      transport,
      { unary: (_request, call) => ({ number: BigInt(seen.push(call.context.get(depth))) }) },
      { interceptors: [count, count] },
    );
    await client.unary({});
    await client.unary({});
    expect(seen).toEqual([2, 2]);
  });

  test("a client's interceptors see what the caller passed; what they set stays with the call", async () => {
    const seen: unknown[] = [];
    const record: Interceptor = (next) => (call) => {
      seen.push([call.context.get(tenant), call.context.get(depth)]);
      call.context.set(depth, 7);
      return next(call);
    };
    const kinds = await startKinds(transport, { unary: () => ({}) });
    const client = kinds.dial({ interceptors: [record, record] });
    const context = new CallContext().set(tenant, "acme");
    await client.unary({}, { context });
    await client.unary({}, { context });
    await client.unary({});
    expect(seen).toEqual([
      ["acme", 0],
      ["acme", 7],
      ["acme", 0],
      ["acme", 7],
      [undefined, 0],
      [undefined, 7],
    ]);
    expect(context.has(depth)).toBe(false);
  });

  test("a call reads its parent's, behind what it was given itself", async () => {
    const seen: unknown[] = [];
    const record: Interceptor = (next) => (call) => {
      seen.push([call.context.get(tenant), call.context.get(depth)]);
      return next(call);
    };
    const inner = await startKinds(transport, { unary: () => ({}) });
    const client = inner.dial({ interceptors: [record] });
    const outer = await startKinds(transport, {
      async unary(_request, call) {
        call.context.set(tenant, "parent's").set(depth, 1);
        await client.unary({}, { parent: call });
        await client.unary({}, { parent: call, context: new CallContext().set(tenant, "own") });
        return client.unary({});
      },
    });
    await outer.client.unary({});
    expect(seen).toEqual([
      ["parent's", 1],
      ["own", 1],
      [undefined, 0],
    ]);
  });
});

describe.each(transports)("propagate on $name", ({ transport }) => {
  test.each([
    ["its parent", false],
    ["its parent, although it has a signal of its own", true],
  ])("a call whose interceptor never calls on ends with %s", async (_what, withSignal) => {
    const started = event();
    const ended = event<unknown>();
    const stuck: Interceptor = () => () => {
      started.happen();
      return new Promise<never>(() => {});
    };
    const { signal } = new AbortController();
    const outer = await startKinds(transport, {
      async unary(_request, call) {
        const options = { parent: call, interceptors: [stuck], ...(withSignal ? { signal } : {}) };
        await outer.client.unary({}, options).catch(ended.happen);
        return {};
      },
    });
    const controller = new AbortController();
    const reply = outer.client.unary({}, { signal: controller.signal });
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await expect(ended.happened).resolves.toMatchObject({ code: Code.CANCELLED });
  });

  /** A server that notes what each call to it has left. */
  async function startInner(): Promise<{ readonly inner: Kinds; readonly left: number[] }> {
    const left: number[] = [];
    const inner = await startKinds(transport, {
      unary(_request, call) {
        left.push(call.timeLeftMs());
        return {};
      },
    });
    return { inner, left };
  }

  /** Handlers of all four kinds that call `inside` now and, where they stream, each time that they go on. */
  const callingInside = (inside: () => Promise<unknown>): KindsServer => {
    const once = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await inside();
      return {};
    };
    return {
      unary: once,
      async clientStream(requests) {
        for await (const _ of requests) await inside();
        return {};
      },
      async *serverStream() {
        await inside();
        yield {};
        await inside();
        yield {};
      },
      async *bidiStream(requests) {
        for await (const _ of requests) {
          await inside();
          yield {};
        }
      },
    };
  };
  const callAll = async ({ client }: Kinds, options: CallOptions) => {
    await client.unary({}, options);
    await client.clientStream([{}, {}], options);
    await collect(client.serverStream({}, options));
    await collect(client.bidiStream([{}, {}], options));
  };

  const pass: Interceptor = (next) => (call) => next(call).map((message) => message);
  const passLater: Interceptor = (next) => async (call) => {
    await new Promise((resolve) => setImmediate(resolve));
    return next(call);
  };
  test.each<[string, Interceptor[]]>([
    ["without interceptors", []],
    ["with interceptors", [pass, passLater, pass]],
  ])("auto: handlers of all kinds pass their deadline on, %s", async (_what, interceptors) => {
    const { inner, left } = await startInner();
    const outer = await startKinds(
      transport,
      callingInside(() => inner.client.unary({})),
      { propagate: "auto", interceptors },
    );
    await callAll(outer, { timeoutMs: 60_000 });
    expect(left).toHaveLength(7);
    for (const ms of left) expect(ms).toBeLessThanOrEqual(60_001);
  });

  test("explicit, the default: they do not", async () => {
    const { inner, left } = await startInner();
    const outer = await startKinds(
      transport,
      callingInside(() => inner.client.unary({})),
    );
    await callAll(outer, { timeoutMs: 60_000 });
    expect(left).toEqual(Array(7).fill(Number.POSITIVE_INFINITY));
  });

  test("auto: a call's own parent wins, and none may be named", async () => {
    const { inner, left } = await startInner();
    let other: ServerCall | undefined;
    const first = event();
    const parents = (call: ServerCall) => [
      {},
      { timeoutMs: 1000 },
      { parent: call },
      { parent: other! },
      { parent: null },
      { parent: undefined },
    ];
    const outer = await startKinds(
      transport,
      {
        async unary(_request, call) {
          if (other === undefined) {
            other = call;
            first.happen();
            await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
          } else for (const options of parents(call)) await inner.client.unary({}, options);
          return {};
        },
      },
      { propagate: "auto" },
    );
    const controller = new AbortController();
    const waiting = outer.client.unary({}, { timeoutMs: 30_000, signal: controller.signal });
    await first.happened;
    await outer.client.unary({}, { timeoutMs: 60_000 });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(left.map((ms) => (ms === Number.POSITIVE_INFINITY ? ms : Math.ceil(ms / 30_000)))).toEqual([
      ...[2, 1, 2, 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ]);
    expect(left[1]).toBeLessThanOrEqual(1001);
  });

  test("auto: cancellation and context are inherited too; what runs after the answer is on nobody's behalf", async () => {
    const started = event();
    const ended = event();
    const background = event<unknown>();
    const seen: unknown[] = [];
    const inner = await startKinds(transport, {
      async unary({ text }, call) {
        if (text !== "wait") return { text: String(call.timeLeftMs()) };
        started.happen();
        await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
        ended.happen();
        return {};
      },
    });
    const client = inner.dial({
      interceptors: [
        (next) => (call) => {
          seen.push(call.context.get(tenant));
          return next(call);
        },
      ],
    });
    const outer = await startKinds(
      transport,
      {
        async unary({ text }, call) {
          call.context.set(tenant, "acme");
          if (text === "wait") return client.unary({ text });
          setTimeout(() => client.unary({}).then(background.happen, background.happen), 20);
          return {};
        },
      },
      { propagate: "auto" },
    );
    const controller = new AbortController();
    const reply = outer.client.unary({ text: "wait" }, { signal: controller.signal });
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await ended.happened;
    await outer.client.unary({}, { timeoutMs: 60_000 });
    await expect(background.happened).resolves.toMatchObject({ text: "Infinity" });
    expect(seen).toEqual(["acme", undefined]);
  });

  test("auto: what a generator's finally calls ends as its call has", async () => {
    const { inner } = await startInner();
    const cleanUp = event<RpcError | undefined>();
    const outer = await startKinds(
      transport,
      {
        async *serverStream() {
          try {
            for (;;) yield {};
          } finally {
            await inner.client.unary({}).then(
              () => cleanUp.happen(undefined),
              (error) => cleanUp.happen(error),
            );
          }
        },
      },
      { propagate: "auto" },
    );
    for await (const _ of outer.client.serverStream({})) break;
    await expect(cleanUp.happened).resolves.toMatchObject({ code: Code.CANCELLED });
  });
});

describe.each(wireTransports)("propagate over a connection of $name", ({ transport }) => {
  test("a connection that a handler was the first to need serves other callers as theirs", async () => {
    const inner = await startKinds(transport, { unary: () => ({ text: "hi" }) });
    const outer = await startKinds(
      transport,
      {
        async unary() {
          await inner.client.unary({}); // Makes the connection.
          return new Promise(() => {});
        },
      },
      { propagate: "auto" },
    );
    await expect(outer.client.unary({}, { timeoutMs: 200 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    // Runs as the socket reports it; on behalf of the call above it could not be made any more.
    const fromCallback = event<unknown>();
    const onTrailers = () => void inner.client.unary({}).then(fromCallback.happen, fromCallback.happen);
    await inner.client.unary({}, { onTrailers });
    await expect(fromCallback.happened).resolves.toMatchObject({ text: "hi" });
  });
});
