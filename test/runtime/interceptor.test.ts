import {
  type Call,
  Code,
  chain,
  dial,
  type Interceptor,
  Metadata,
  Reply,
  RpcError,
  Server,
  type Status,
} from "@trunkline/runtime";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

/** Writes down when it sees a call and when it sees how the call ended. */
const recorder = (log: string[], name: string): Interceptor => {
  return (next) => (call) => {
    log.push(`${name} in`);
    const reply = next(call);
    reply.status.then(({ code }) => log.push(`${name} out ${code}`));
    return reply;
  };
};

describe.each(transports)("interceptors on $name", ({ transport }) => {
  test("the first is the outermost, on both sides; a call's own are inside the channel's", async () => {
    const log: string[] = [];
    const interceptors = [recorder(log, "server a"), chain(recorder(log, "server b"), recorder(log, "server c"))];
    const kinds = await startKinds(transport, { unary: () => ({}), serverStream: () => [{}] }, { interceptors });
    const client = kinds.dial({ interceptors: [recorder(log, "channel a"), recorder(log, "channel b")] });
    await client.unary({}, { interceptors: [recorder(log, "call")] });
    expect(log.filter((line) => line.endsWith("in"))).toEqual([
      "channel a in",
      "channel b in",
      "call in",
      "server a in",
      "server b in",
      "server c in",
    ]);
    expect(log.filter((line) => line.endsWith("out 0"))).toHaveLength(6);
    log.length = 0;
    await collect(client.serverStream({}));
    expect(log[0]).toBe("channel a in");
    expect(log.filter((line) => line.endsWith("out 0"))).toHaveLength(5);
  });

  test("a client's interceptor changes metadata, deadline and request; sees headers and trailers", async () => {
    const { dial } = await startKinds(transport, {
      unary({ text }, call) {
        call.sendHeaders({ "x-header": "h" });
        call.trailers.set("x-trailer", "t");
        return { text: `${text} ${call.metadata.get("x-added")} ${call.timeLeftMs() <= 5000}` };
      },
    });
    const seen: (string | undefined)[] = [];
    const client = dial({
      interceptors: [
        (next) => async (call) => {
          call.metadata.set("x-added", "yes");
          call.deadline = new Date(Date.now() + 5000);
          call.request = { ...(call.request as Note), text: "changed" };
          const reply = next(call);
          seen.push((await reply.headers).get("x-header"));
          reply.status.then((status) => seen.push(status.metadata.get("x-trailer")));
          return reply;
        },
      ],
    });
    expect(await client.unary({ text: "original" })).toMatchObject({ text: "changed yes true" });
    expect(seen).toEqual(["h", "t"]);
  });

  test("an interceptor answers without calling on, on either side", async () => {
    let handled = 0;
    const guard: Interceptor = (next) => (call) =>
      call.metadata.get("x-secret") === "ok" ? next(call) : Reply.fail(new RpcError(Code.UNAUTHENTICATED, "who?"));
    const kinds = await startKinds(
      transport,
      { unary: () => ({ text: `handled ${++handled}` }), serverStream: () => [{ text: `handled ${++handled}` }] },
      { interceptors: [guard] },
    );
    await expect(kinds.client.unary({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED, details: "who?" });
    await expect(collect(kinds.client.serverStream({}))).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    const cache: Interceptor = () => (call) =>
      call.method.kind === "unary"
        ? Reply.of({ text: "cached" })
        : Reply.stream(
            (async function* () {
              yield { text: "cached" };
            })(),
          );
    const cached = kinds.dial({ interceptors: [cache] });
    expect(await cached.unary({})).toEqual({ text: "cached" });
    expect(await collect(cached.serverStream({}))).toEqual([{ text: "cached" }]);
    expect(handled).toBe(0);
  });

  test("a server's interceptor may answer with headers, messages and trailers of its own", async () => {
    const answer: Interceptor = () => () =>
      Reply.of(
        { text: "mine" },
        { headers: new Metadata({ "x-from": "head" }), trailers: new Metadata({ "x-from": "tail" }) },
      );
    const { client } = await startKinds(transport, {}, { interceptors: [answer] });
    const seen: (string | undefined)[] = [];
    const note = await client.unary(
      {},
      {
        onHeaders: (headers) => seen.push(headers.get("x-from")),
        onTrailers: (trailers) => seen.push(trailers.get("x-from")),
      },
    );
    expect(note).toMatchObject({ text: "mine" });
    expect(seen).toEqual(["head", "tail"]);
  });

  test.each(["client", "server"])("a stream passes through a %s's interceptor message by message", async (side) => {
    const shout: Interceptor = (next) => (call) => {
      const louder = (note: unknown) => ({ ...(note as Note), text: (note as Note).text.toUpperCase() });
      const requests = call.requests;
      if (requests !== undefined) {
        call.requests = (async function* () {
          for await (const note of requests) yield louder(note);
        })();
      }
      return next(call).map((note) => ({ ...louder(note), number: 1n }));
    };
    const kinds = await startKinds(
      transport,
      {
        async *bidiStream(requests) {
          for await (const { text } of requests) yield { text: `${text} back` };
        },
      },
      { interceptors: side === "server" ? [shout] : [] },
    );
    const client = kinds.dial({ interceptors: side === "client" ? [shout] : [] });
    const requests = async function* () {
      yield { text: "a" };
      yield { text: "b" };
    };
    expect(await collect(client.bidiStream(requests()))).toMatchObject([
      { text: "A BACK", number: 1n },
      { text: "B BACK", number: 1n },
    ]);
  });

  test("leaving a stream early reaches through interceptors", async () => {
    let closed!: () => void;
    const generatorClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { dial } = await startKinds(transport, {
      async *serverStream() {
        try {
          for (;;) yield { text: "more" };
        } finally {
          closed();
        }
      },
    });
    const statuses: Status[] = [];
    const client = dial({
      interceptors: [
        (next) => (call) => {
          const reply = next(call).map((note) => note);
          reply.status.then((status) => statuses.push(status));
          return reply;
        },
        (next) => async (call) => next(call),
      ],
    });
    for await (const _ of client.serverStream({})) break;
    await generatorClosed;
    expect(statuses).toMatchObject([{ code: Code.CANCELLED }]);
  });

  const faults: [string, Interceptor, Code, RegExp][] = [
    [
      "throws at once",
      () => () => {
        throw new TypeError("oops");
      },
      Code.UNKNOWN,
      /oops/,
    ],
    [
      "throws later",
      () => async () => {
        throw new TypeError("oops");
      },
      Code.UNKNOWN,
      /oops/,
    ],
    [
      "throws an RpcError",
      () => () => {
        throw new RpcError(Code.ABORTED, "no");
      },
      Code.ABORTED,
      /no/,
    ],
    [
      "returns nothing",
      function forgetful() {
        return (() => undefined) as never;
      },
      Code.INTERNAL,
      /forgetful returned undefined; return next\(call\) or a Reply/,
    ],
    [
      "returns a message",
      () => (async () => ({ text: "x" })) as never,
      Code.INTERNAL,
      /return next\(call\) or a Reply/,
    ],
  ];
  test.each(faults)("a client's interceptor that %s fails its call", async (_what, interceptor, code, details) => {
    const { dial } = await startKinds(transport, { unary: () => ({}), serverStream: () => [{}] });
    const client = dial({ interceptors: [interceptor] });
    const expected = { code, details: expect.stringMatching(details) };
    await expect(client.unary({})).rejects.toMatchObject(expected);
    await expect(client.unary({})).rejects.toBeInstanceOf(RpcError);
    await expect(collect(client.serverStream({}))).rejects.toMatchObject(expected);
    await expect(collect(client.serverStream({}))).rejects.toBeInstanceOf(RpcError);
  });

  test("what a server's interceptor throws by accident stays inside", async () => {
    const reported: unknown[] = [];
    const broken: Interceptor = () => () => {
      throw new Error("secret");
    };
    const { client } = await startKinds(
      transport,
      { unary: () => ({}) },
      { interceptors: [broken], onError: (error) => reported.push(error) },
    );
    const error = await client.unary({}).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: Code.UNKNOWN });
    expect(error.message).not.toMatch(/secret/);
    expect(String(reported)).toMatch(/secret/);
  });

  test("deadline and signal hold although an interceptor never calls on", async () => {
    const { dial } = await startKinds(transport, { unary: () => ({}) });
    const stuck: Interceptor = () => () => new Promise<never>(() => {});
    const client = dial({ interceptors: [stuck] });
    await expect(client.unary({}, { timeoutMs: 50 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    const controller = new AbortController();
    const reply = client.unary({}, { signal: controller.signal });
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
  });

  test("a handle made by with() has the channel's interceptors round its own, on the same connection", async () => {
    const log: string[] = [];
    const { channel } = await startKinds(transport, { unary: () => ({}) });
    const outer = channel.with({ interceptors: [recorder(log, "channel")], timeoutMs: 60_000 });
    const inner = outer.with({ interceptors: [recorder(log, "client")], timeoutMs: 30_000 });
    let deadline: number | undefined;
    const look: Interceptor = (next) => (call) => {
      deadline = call.timeLeftMs();
      return next(call);
    };
    await kindsClient(inner).unary({}, { interceptors: [recorder(log, "call"), look] });
    expect(log.slice(0, 3)).toEqual(["channel in", "client in", "call in"]);
    expect(deadline).toBeLessThanOrEqual(30_000);
    expect(channel.stats.callsStarted).toBe(1);
    log.length = 0;
    await kindsClient(outer).unary({});
    expect(log[0]).toBe("channel in");
    expect(log).toHaveLength(2);
  });

  test("those of a service wrap its calls alone, inside the server's", async () => {
    const log: string[] = [];
    const server = new Server({ transport, interceptors: [recorder(log, "server")] });
    const impl = Object.assign(new UnimplementedKindsServer(), { unary: () => ({}) });
    registerKindsServer(server, impl, { interceptors: [recorder(log, "kinds a"), recorder(log, "kinds b")] });
    const path = "/other.v1.Kinds/Unary";
    const other = {
      ...KindsDesc,
      serviceName: "other.v1.Kinds",
      methods: { unary: { ...KindsDesc.methods.unary, path } },
    };
    server.register(other, impl);
    const { address } = await server.listen("127.0.0.1:0");
    const channel = dial(address, { transport });
    await kindsClient(channel).unary({});
    expect(log.slice(0, 3)).toEqual(["server in", "kinds a in", "kinds b in"]);
    log.length = 0;
    await channel.unary(other.methods.unary, {});
    expect(log[0]).toBe("server in");
    expect(log.filter((line) => line.startsWith("kinds"))).toEqual([]);
    await channel.close();
    await server.shutdown();
  });

  test("the caller's hooks hear once of what the caller gets, not of each call that an interceptor makes", async () => {
    let calls = 0;
    const { client } = await startKinds(transport, {
      unary(_request, call) {
        call.trailers.set("x-call", String(++calls));
        if (calls === 1) throw new RpcError(Code.ABORTED, "once more");
        call.sendHeaders({ "x-call": String(calls) });
        return {};
      },
    });
    const again: Interceptor = (next) => async (call) => {
      const first = next(call);
      return (await first.status).code === Code.ABORTED ? next(call) : first;
    };
    const heard: string[] = [];
    const hooks = {
      onHeaders: (headers: Metadata) => heard.push(`headers ${headers.get("x-call")}`),
      onTrailers: (trailers: Metadata) => heard.push(`trailers ${trailers.get("x-call")}`),
    };
    await client.unary({}, { interceptors: [again], ...hooks });
    heard.push("answer");
    expect(heard).toEqual(["headers 2", "trailers 2", "answer"]);
  });

  test("the caller's hooks hear what an interceptor answers, and of no headers where there are none", async () => {
    const { client } = await startKinds(transport, {
      serverStream(_request, call) {
        call.sendHeaders();
        return [{ text: "a" }, { text: "b" }];
      },
    });
    const heard: string[] = [];
    const hooks = {
      onHeaders: (headers: Metadata) => heard.push(`headers ${headers.get("x-from")}`),
      onTrailers: (trailers: Metadata) => heard.push(`trailers ${trailers.get("x-from")}`),
    };
    const init = { headers: new Metadata({ "x-from": "here" }), trailers: new Metadata({ "x-from": "there" }) };
    const answer: Interceptor = () => () => Reply.of({ text: "mine" }, init);
    await client.unary({}, { interceptors: [answer], ...hooks });
    expect(heard.splice(0)).toEqual(["headers here", "trailers there"]);
    const refuse: Interceptor = () => () => Reply.fail(new RpcError(Code.ABORTED, "no"));
    await expect(client.unary({}, { interceptors: [refuse], ...hooks })).rejects.toMatchObject({ code: Code.ABORTED });
    expect(heard.splice(0)).toEqual(["trailers undefined"]);
    const pass: Interceptor = (next) => (call) => next(call);
    await collect(client.serverStream({}, { interceptors: [pass], ...hooks }));
    expect(heard).toEqual(["headers undefined", "trailers undefined"]);
  });

  test.each(["onHeaders", "onTrailers"])("%s that throws fails its call behind interceptors too", async (hook) => {
    const { client } = await startKinds(transport, {
      unary(_request, call) {
        call.sendHeaders();
        return {};
      },
      serverStream(_request, call) {
        call.sendHeaders();
        return [{}, {}];
      },
    });
    const pass: Interceptor = (next) => (call) => next(call);
    const options = {
      interceptors: [pass],
      [hook]() {
        throw new TypeError("mine");
      },
    };
    const expected = { code: Code.CANCELLED, details: `${hook} threw: mine` };
    await expect(client.unary({}, options)).rejects.toMatchObject(expected);
    await expect(collect(client.serverStream({}, options))).rejects.toMatchObject(expected);
  });

  test("a client's interceptor sees the caller's cancellation and the parent's", async () => {
    const seen: (AbortSignal | undefined)[] = [];
    const look: Interceptor = (next) => (call) => {
      seen.push(call.signal);
      return next(call);
    };
    const inner = await startKinds(transport, { unary: () => ({}) });
    const started = event();
    const outer = await startKinds(transport, {
      async unary(_request, call) {
        const client = inner.dial({ interceptors: [look] });
        const mine = new AbortController();
        await client.unary({});
        await client.unary({}, { parent: call });
        await client.unary({}, { parent: call, signal: mine.signal });
        started.happen();
        const [, ofParent, ofBoth] = seen;
        await new Promise((resolve) => ofBoth?.addEventListener("abort", resolve));
        ended.happen([ofParent?.aborted, ofBoth?.aborted, mine.signal.aborted]);
        return {};
      },
    });
    const ended = event<(boolean | undefined)[]>();
    const caller = new AbortController();
    const call = outer.client.unary({}, { signal: caller.signal });
    await started.happened;
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(await ended.happened).toEqual([true, true, false]);
    expect(seen[0]).toBeUndefined();
  });

  test("an interceptor that is no function of next is refused at dial", async () => {
    const { dial } = await startKinds(transport, {});
    expect(() => dial({ interceptors: [((call: Call) => call) as never, (() => 5) as never] })).toThrow(
      /must be \(next\) => \(call\) => …/,
    );
  });
});

describe.each(transports)("a stream that is left on $name", ({ transport }) => {
  const passing: [string, Interceptor][] = [
    ["an interceptor that passes it on", (next) => (call) => next(call)],
    ["an async one", (next) => async (call) => next(call)],
    ["one that changes messages", (next) => (call) => next(call).map((message) => message)],
  ];
  test.each(passing)("before its first message is left at the server too, through %s", async (_what, interceptor) => {
    const [started, aborted] = [event(), event()];
    const kinds = await startKinds(transport, {
      async *serverStream(_request, call) {
        call.signal.addEventListener("abort", () => aborted.happen());
        started.happen();
        await aborted.happened;
      },
    });
    const stream = kinds
      .dial({ interceptors: [interceptor] })
      .serverStream({})
      [Symbol.asyncIterator]();
    await started.happened;
    await stream.return?.();
    await aborted.happened;
  });

  test("while a server's interceptor waits does not start its generator", async () => {
    const [asked, cancelled, go] = [event(), event(), event()];
    let steps = 0;
    const slow: Interceptor = (next) => async (call) => {
      call.server?.signal.addEventListener("abort", () => cancelled.happen());
      asked.happen();
      await go.happened;
      return next(call);
    };
    const kinds = await startKinds(
      transport,
      {
        async *serverStream() {
          for (; steps < 5000; steps++) yield {};
        },
      },
      { interceptors: [slow] },
    );
    const controller = new AbortController();
    const reading = collect(kinds.client.serverStream({}, { signal: controller.signal }));
    await asked.happened;
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: Code.CANCELLED });
    await cancelled.happened;
    go.happen();
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(steps).toBe(0);
  });
});

describe.each(transports)("a handler's stream that can be read once only, on $name", ({ transport }) => {
  const chains: [string, Interceptor[]][] = [
    ["no interceptor", []],
    ["one that passes it on", [(next) => (call) => next(call)]],
  ];
  test.each(chains)("is read once through %s", async (_what, interceptors) => {
    const notes = () =>
      new ReadableStream<Partial<Note>>({
        start(controller) {
          for (const text of ["a", "b"]) controller.enqueue({ text });
          controller.close();
        },
      });
    const { client } = await startKinds(transport, { serverStream: notes }, { interceptors });
    expect((await collect(client.serverStream({}))).map(({ text }) => text)).toEqual(["a", "b"]);
  });
});

describe.each(transports)("a handler's stream on which nothing happens, on $name", ({ transport }) => {
  const chains: [string, Interceptor[]][] = [
    ["no interceptor", []],
    ["one that passes it on", [(next) => (call) => next(call)]],
    ["an async one", [(next) => async (call) => next(call)]],
    ["one that counts messages", [(next) => (call) => next(call).map((message) => message)]],
  ];
  test.each(chains)("is told of a cancellation through %s", async (_what, interceptors) => {
    const [started, closed] = [event(), event()];
    const idle = {
      next: () => {
        started.happen();
        return new Promise<never>(() => {});
      },
      return: async () => {
        closed.happen();
        return { done: true as const, value: undefined };
      },
    };
    const { client } = await startKinds(
      transport,
      { serverStream: () => ({ [Symbol.asyncIterator]: () => idle }) },
      { interceptors },
    );
    const controller = new AbortController();
    const reading = collect(client.serverStream({}, { signal: controller.signal }));
    await started.happened;
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: Code.CANCELLED });
    await closed.happened;
  });
});
