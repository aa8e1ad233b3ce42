import {
  type AttemptPolicyOption,
  type CallSpec,
  Code,
  type DialOptions,
  dial,
  type HedgingPolicy,
  type Interceptor,
  Metadata,
  type RetryPolicy,
  RpcError,
  type ServerCall,
  type Transport,
} from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { loopback } from "./loopback.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const policy: RetryPolicy = {
  maxAttempts: 4,
  initialBackoffMs: 5,
  maxBackoffMs: 10,
  backoffMultiplier: 2,
  codes: [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED],
};
const hedging: HedgingPolicy = { maxAttempts: 3, hedgingDelayMs: 0, nonFatalCodes: [Code.UNAVAILABLE] };

type Answer = Code | { readonly code: Code; readonly pushback: string };

/** Fails attempts with what it is told to, one after the other, and then answers. */
function script(answers: readonly Answer[]) {
  const seen: (string | undefined)[] = [];
  const answer = (call: ServerCall) => {
    seen.push(call.metadata.get("grpc-previous-rpc-attempts"));
    const next = answers[seen.length - 1] ?? Code.OK;
    const code = typeof next === "number" ? next : next.code;
    if (code === Code.OK) return;
    const metadata = new Metadata(typeof next === "number" ? {} : { "grpc-retry-pushback-ms": next.pushback });
    throw new RpcError(code, `attempt ${seen.length}`, { metadata });
  };
  const methods = {
    unary: (request: object, call: ServerCall) => {
      answer(call);
      return request;
    },
    async *serverStream(request: object, call: ServerCall) {
      answer(call);
      yield request;
      yield request;
    },
    async clientStream(requests: AsyncIterable<unknown>, call: ServerCall) {
      let number = 0n;
      for await (const _ of requests) number++;
      answer(call);
      return { number };
    },
    async *bidiStream(requests: AsyncIterable<object>, call: ServerCall) {
      answer(call);
      for await (const request of requests) yield request;
    },
  };
  return { seen, methods };
}

describe.each(transports)("attempts on $name", ({ transport }) => {
  const { UNAVAILABLE, RESOURCE_EXHAUSTED, NOT_FOUND } = Code;

  async function start(answers: readonly Answer[], retry: AttemptPolicyOption = policy, more: DialOptions = {}) {
    const { seen, methods } = script(answers);
    const kinds = await startKinds(transport, methods);
    return { seen, client: kinds.dial({ retry, ...more }) };
  }

  test("a call that fails as the policy says is tried again; the server is told how often", async () => {
    const { seen, client } = await start([UNAVAILABLE, RESOURCE_EXHAUSTED, UNAVAILABLE]);
    expect(await client.unary({ text: "at last" })).toMatchObject({ text: "at last" });
    expect(seen).toEqual([undefined, "1", "2", "3"]);
  });

  test("all four kinds, with all of their requests", async () => {
    const fails = [UNAVAILABLE, UNAVAILABLE];
    const requests = [{ text: "a" }, { text: "b" }, { text: "c" }];
    expect(await (await start(fails)).client.unary({ text: "u" })).toMatchObject({ text: "u" });
    expect(await collect((await start(fails)).client.serverStream({ text: "s" }))).toHaveLength(2);
    expect(await (await start(fails)).client.clientStream(requests)).toMatchObject({ number: 3n });
    const echoed = await collect((await start(fails)).client.bidiStream(requests));
    expect(echoed.map(({ text }) => text)).toEqual(["a", "b", "c"]);
  });

  const ends: [string, readonly Answer[], AttemptPolicyOption, number][] = [
    ["another code", [NOT_FOUND], policy, 1],
    ["the last attempt", [UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE], policy, 4],
    ["five attempts, whatever the policy says", Array(9).fill(UNAVAILABLE), { ...policy, maxAttempts: 9 }, 5],
    ["no policy", [UNAVAILABLE], false, 1],
    ["a function that chooses none", [UNAVAILABLE], () => false, 1],
    [
      "a function that chooses one",
      [UNAVAILABLE, NOT_FOUND],
      ({ path }) => (path.endsWith("Unary") ? policy : false),
      2,
    ],
    ["a server that wants no more", [{ code: UNAVAILABLE, pushback: "-1" }], policy, 1],
    ["a pushback that is no number", [{ code: UNAVAILABLE, pushback: "soon" }], policy, 1],
    ["a pushback for a code that is not tried again", [{ code: NOT_FOUND, pushback: "1" }], policy, 1],
  ];
  test.each(ends)("ends with %s", async (_what, answers, retry, attempts) => {
    const { seen, client } = await start(answers, retry);
    const error = await client.unary({}).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: expect.any(Number), details: `attempt ${attempts}`, attempts });
    expect(seen).toHaveLength(attempts);
  });

  test("a pushback is waited for", async () => {
    const { seen, client } = await start([{ code: UNAVAILABLE, pushback: "60" }]);
    const began = performance.now();
    await client.unary({});
    expect(performance.now() - began).toBeGreaterThanOrEqual(59);
    expect(seen).toEqual([undefined, "1"]);
  });

  test("waits grow, and begin anew after a pushback", async () => {
    const growing = { ...policy, maxAttempts: 5, initialBackoffMs: 20, maxBackoffMs: 10_000, backoffMultiplier: 4 };
    const times: number[] = [];
    const { methods } = script([UNAVAILABLE, UNAVAILABLE, { code: UNAVAILABLE, pushback: "1" }, UNAVAILABLE]);
    const unary = (request: object, call: ServerCall) => {
      times.push(performance.now());
      return methods.unary(request, call);
    };
    const kinds = await startKinds(transport, { ...methods, unary });
    await kinds.dial({ retry: growing }).unary({});
    const waits = times.slice(1).map((time, i) => time - times[i]!);
    // 20 and 80 ms, what the server said, and 20 again rather than 1280, each ±20 %, and what a busy machine adds.
    expect(waits[0]).toBeGreaterThan(15);
    expect(waits[1]).toBeGreaterThan(63);
    expect(waits[3]).toBeGreaterThan(15);
    expect(waits[3]).toBeLessThan(1000);
  });

  test("the call's own policy wins; a table's entry counts where nobody says anything", async () => {
    const { seen, client } = await start([UNAVAILABLE], policy);
    await expect(client.unary({}, { retry: false })).rejects.toMatchObject({ code: UNAVAILABLE, attempts: 1 });
    const other = await start([UNAVAILABLE], false);
    await other.client.unary({}, { retry: policy });
    expect([seen.length, other.seen.length]).toEqual([1, 2]);
  });

  test("the deadline spans all attempts, and a wait beyond it is not begun", async () => {
    const slow = { ...policy, initialBackoffMs: 5000, maxBackoffMs: 5000 };
    const { seen, client } = await start([UNAVAILABLE], slow);
    const began = performance.now();
    await expect(client.unary({}, { timeoutMs: 1000 })).rejects.toMatchObject({ code: UNAVAILABLE });
    expect(performance.now() - began).toBeLessThan(1000);
    expect(seen).toHaveLength(1);
  });

  test("a call is cancelled while it waits for its next attempt", async () => {
    const slow = { ...policy, initialBackoffMs: 60_000, maxBackoffMs: 60_000 };
    const failed = event();
    const kinds = await startKinds(transport, {
      unary: () => {
        failed.happen();
        throw new RpcError(UNAVAILABLE, "not now");
      },
    });
    const controller = new AbortController();
    const call = kinds.dial({ retry: slow }).unary({}, { signal: controller.signal });
    await failed.happened;
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
  });

  test("headers commit a call: what fails after them is not tried again", async () => {
    let attempts = 0;
    const kinds = await startKinds(transport, {
      async *serverStream(request, call) {
        attempts++;
        call.sendHeaders({ "x-attempt": `${attempts}` });
        yield request;
        throw new RpcError(UNAVAILABLE, "in the middle");
      },
    });
    await expect(collect(kinds.dial({ retry: policy }).serverStream({}))).rejects.toMatchObject({
      code: UNAVAILABLE,
      details: "in the middle",
    });
    expect(attempts).toBe(1);
  });

  test("what is too long to be kept stays with its attempt", async () => {
    const long = Array.from({ length: 8 }, () => ({ text: "x".repeat(64 * 1024) }));
    const { seen, client } = await start([UNAVAILABLE]);
    await expect(client.clientStream(long)).rejects.toMatchObject({ code: UNAVAILABLE, attempts: 1 });
    expect(seen).toHaveLength(1);
    const short = await start([UNAVAILABLE]);
    expect(await short.client.clientStream(long.slice(0, 2))).toMatchObject({ number: 2n });
  });

  /** A server that holds every call but those that are to fail. */
  async function startHeld() {
    const hold = event();
    let came = 0;
    let wanted: { readonly count: number; readonly tell: () => void } | undefined;
    const kinds = await startKinds(transport, {
      async unary({ text }) {
        if (text === "fail") throw new RpcError(UNAVAILABLE, "as told");
        if (++came === wanted?.count) wanted.tell();
        await hold.happened;
        return {};
      },
    });
    const seen = async (count: number) => {
      const all = event();
      wanted = { count, tell: all.happen };
      if (came < count) await all.happened;
    };
    return { seen, client: kinds.dial({ retry: policy }), hold };
  }

  test("what all calls of a channel keep together has a bound; past it, a call stays with its attempt", async () => {
    const { seen, client, hold } = await startHeld();
    const data = new Uint8Array(250 * 1024);
    // 68 calls that wait for their first answer keep more than 16 MiB.
    const held = Array.from({ length: 68 }, () => client.unary({ data }));
    await seen(68);
    await expect(client.unary({ text: "fail", data })).rejects.toMatchObject({ code: UNAVAILABLE, attempts: 1 });
    hold.happen();
    await Promise.all(held);
    await expect(client.unary({ text: "fail", data })).rejects.toMatchObject({ code: UNAVAILABLE, attempts: 4 });
  });

  test("a message that is changed after it was sent is sent again as it was", async () => {
    const message = { text: "before" };
    const { methods } = script([UNAVAILABLE]);
    const texts: (string | undefined)[] = [];
    const kinds = await startKinds(transport, {
      unary: (request, call) => {
        texts.push(request.text);
        return methods.unary(request, call) as { text: string };
      },
    });
    const call = kinds.dial({ retry: policy }).unary(message);
    message.text = "after";
    expect(await call).toMatchObject({ text: "before" });
    expect(texts).toEqual(["before", "before"]);
  });

  test("throttling: with half of the tokens gone nothing is tried again, until calls succeed", async () => {
    const kinds = await startKinds(transport, {
      unary: ({ text = "" }, call) => {
        attempts.push(call.metadata.get("grpc-previous-rpc-attempts"));
        if (text === "fail") throw new RpcError(UNAVAILABLE, "no");
        return { text };
      },
    });
    const attempts: (string | undefined)[] = [];
    const client = kinds.dial({ retry: policy, retryThrottling: { maxTokens: 4, tokenRatio: 0.5 } });
    const fail = async () => {
      attempts.length = 0;
      await expect(client.unary({ text: "fail" })).rejects.toMatchObject({ code: UNAVAILABLE });
      return attempts.length;
    };
    // Four tokens: after two failures two are left, which is not above the half.
    expect(await fail()).toBe(2);
    expect(await fail()).toBe(1);
    for (let i = 0; i < 5; i++) await client.unary({});
    expect(await fail()).toBe(2);
  });

  test("hedging: attempts side by side, the first answer counts, the others are cancelled", async () => {
    const cancelled = [event(), event()];
    let arrived = 0;
    const kinds = await startKinds(transport, {
      unary: async (request, call) => {
        const mine = arrived++;
        if (mine === 2) return request;
        call.signal.addEventListener("abort", () => cancelled[mine]?.happen());
        return new Promise<never>(() => {});
      },
    });
    expect(await kinds.dial({ retry: hedging }).unary({ text: "quick" })).toMatchObject({ text: "quick" });
    await Promise.all(cancelled.map(({ happened }) => happened));
    expect(arrived).toBe(3);
  });

  const hedged: [string, readonly Answer[], Code, number][] = [
    ["a fatal failure is the answer", [NOT_FOUND], NOT_FOUND, 1],
    ["the last failure is the answer", [UNAVAILABLE, UNAVAILABLE, UNAVAILABLE], UNAVAILABLE, 3],
    ["a server that wants no more", [{ code: UNAVAILABLE, pushback: "-1" }], UNAVAILABLE, 1],
  ];
  test.each(hedged)("hedging, one after the other: %s", async (_what, answers, code, attempts) => {
    const { seen, client } = await start(answers, { ...hedging, hedgingDelayMs: 60_000 });
    await expect(client.unary({})).rejects.toMatchObject({ code, attempts });
    expect(seen).toHaveLength(attempts);
  });

  test("hedging carries streams of requests to all attempts until one of them answers", async () => {
    const { client } = await start([UNAVAILABLE, UNAVAILABLE], hedging);
    const echoed = await collect(client.bidiStream([{ text: "a" }, { text: "b" }]));
    expect(echoed.map(({ text }) => text)).toEqual(["a", "b"]);
  });

  const bad: [string, unknown, RegExp][] = [
    ["no policy at all", 3, /retry: must be false, a policy, or a function of the method, not 3/],
    ["one attempt", { ...policy, maxAttempts: 1 }, /retry\.maxAttempts: must be a whole number, at least 2, not 1/],
    ["half an attempt", { ...policy, maxAttempts: 2.5 }, /retry\.maxAttempts/],
    ["no backoff", { ...policy, initialBackoffMs: 0 }, /retry\.initialBackoffMs: .* at least 1, not 0/],
    ["an endless backoff", { ...policy, maxBackoffMs: Number.POSITIVE_INFINITY }, /retry\.maxBackoffMs/],
    [
      "a negative multiplier",
      { ...policy, backoffMultiplier: -1 },
      /retry\.backoffMultiplier: must be a number above 0/,
    ],
    ["no codes", { ...policy, codes: [] }, /retry\.codes: names no failure/],
    ["OK", { ...policy, codes: [Code.OK] }, /retry\.codes: .* not with OK/],
    ["codes by name", { ...policy, codes: ["UNAVAILABLE"] }, /retry\.codes: .* not with "UNAVAILABLE"/],
    ["a negative delay", { ...hedging, hedgingDelayMs: -1 }, /retry\.hedgingDelayMs: .* at least 0, not -1/],
  ];
  test.each(bad)("%s is refused, at dial and by a call", async (_what, retry, message) => {
    const { client } = await start([]);
    expect(() => dial("localhost:1", { transport, retry } as DialOptions)).toThrow(message);
    await expect(client.unary({}, { retry } as object)).rejects.toThrow(message);
    await expect((await start([], () => retry as never)).client.unary({})).rejects.toThrow(RpcError);
  });

  test.each([
    [{ maxTokens: 0, tokenRatio: 1 }, /retryThrottling\.maxTokens: must be a whole number from 1 to 1000, not 0/],
    [{ maxTokens: 10, tokenRatio: 0 }, /retryThrottling\.tokenRatio: must be a number above 0, not 0/],
    [true, /retryThrottling: must be \{ maxTokens, tokenRatio \}, not true/],
  ])("throttling by %j is refused", (retryThrottling, message) => {
    expect(() => dial("localhost:1", { transport, retryThrottling } as DialOptions)).toThrow(message);
  });
});

describe("a transport that tells what a server has not processed", () => {
  /** Refuses the first attempts of each call, as a server does with REFUSED_STREAM. */
  function refusing(times: number): { readonly transport: Transport; readonly attempts: number[] } {
    const attempts: number[] = [];
    const transport: Transport = {
      ...loopback,
      name: `refusing ${Math.random()}`,
      async connect(options, observer) {
        const channel = await loopback.connect(options, observer);
        return {
          ...channel,
          start(spec, sink) {
            attempts.push((spec as CallSpec<unknown, unknown>).attempt);
            if (attempts.length > times) return channel.start(spec, sink);
            const none = { traffic: () => ({ sentBytes: 0, receivedBytes: 0 }), peer: () => undefined };
            const handle = { ...none, send: () => true, end() {}, read() {}, cancel() {} };
            setImmediate(() => {
              sink.onEnd({ code: Code.UNAVAILABLE, details: "refused", metadata: new Metadata() }, "refused");
              observer.onCallEnd(Code.UNAVAILABLE);
            });
            return handle;
          },
        };
      },
    };
    return { transport, attempts };
  }

  test("has such calls tried again at once, once, and not counted as attempts", async () => {
    const { transport, attempts } = refusing(1);
    const { address } = await startKinds(transport, { unary: (request) => request });
    const channel = dial(address, { transport, retry: { ...policy, maxAttempts: 2, codes: [Code.ABORTED] } });
    expect(await kindsClient(channel).unary({ text: "second" })).toMatchObject({ text: "second" });
    expect(attempts).toEqual([0, 0]);
    await channel.close();
  });

  test("tells whoever observes attempts of both, and which of them is a transparent retry", async () => {
    const { transport } = refusing(1);
    const { address } = await startKinds(transport, { unary: (request) => request });
    const told: unknown[] = [];
    const observe: Interceptor = (next) => (call) => {
      call.onAttempt?.(({ previous, isTransparentRetry }) => ({ code }, traffic) => {
        told.push({ previous, isTransparentRetry, code, ...traffic });
      });
      return next(call);
    };
    const channel = dial(address, { transport, retry: policy, interceptors: [observe] });
    await kindsClient(channel).unary({ text: "one" });
    expect(told).toEqual([
      { previous: 0, isTransparentRetry: false, code: Code.UNAVAILABLE, sentBytes: 0, receivedBytes: 0 },
      { previous: 0, isTransparentRetry: true, code: Code.OK, sentBytes: 5, receivedBytes: 5 },
    ]);
    await channel.close();
  });

  test("has them tried again without a policy too, and where there is to be one attempt", async () => {
    const { transport, attempts } = refusing(1);
    const { address } = await startKinds(transport, { unary: (request) => request });
    const channel = dial(address, { transport });
    expect(await kindsClient(channel).unary({ text: "second" })).toMatchObject({ text: "second" });
    expect(attempts).toEqual([0, 0]);
    await channel.close();
    const never = refusing(1);
    const other = await startKinds(never.transport, { unary: (request) => request });
    const once = dial(other.address, { transport: never.transport, retry: false });
    expect(await kindsClient(once).unary({ text: "second" })).toMatchObject({ text: "second" });
    await once.close();
  });

  test("is asked once more, and no more", async () => {
    const twice = refusing(2);
    const other = await startKinds(twice.transport, { unary: (request) => request });
    const failing = dial(other.address, { transport: twice.transport, retry: { ...policy, codes: [Code.ABORTED] } });
    await expect(kindsClient(failing).unary({})).rejects.toMatchObject({ details: "refused" });
    await failing.close();
  });
});
