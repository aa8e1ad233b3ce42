/** Which deadline a call has, what becomes of it on its way, and what happens when it passes. */
import { createServer, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type CallOptions,
  Code,
  type DialOptions,
  dial,
  type MethodDesc,
  type RpcError,
  Server,
  type ServerCall,
  type ServerOptions,
} from "@trunkline/runtime";
import { KindsDesc, type KindsServer, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, type Kinds, startKinds, stopKinds } from "./kinds.js";
import { RawCalls } from "./raw-calls.js";
import { transports, wireTransports } from "./transports.js";

afterEach(stopKinds);

/** Until `signal` aborts. */
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });

/** A method as a table entry with a default timeout has it. */
const withTimeout = <I, O>(
  method: MethodDesc<I, unknown, never, O>,
  timeoutMs: number,
): MethodDesc<I, unknown, never, O> => ({
  ...{ name: method.name, path: method.path, kind: method.kind, idempotency: method.idempotency },
  ...{ request: method.request, response: method.response },
  defaults: { timeoutMs },
});

/** A handler in the middle: answers with what `call` says. */
async function relay(
  transport: NonNullable<ServerOptions["transport"]>,
  inside: (call: ServerCall) => Promise<unknown>,
): Promise<Kinds> {
  return startKinds(transport, {
    async unary(_request, call) {
      await inside(call);
      return {};
    },
  });
}

describe.each(transports)("deadlines on $name", ({ transport }) => {
  describe("the earliest of all wins", () => {
    interface Sources {
      readonly method?: number;
      readonly dial?: DialOptions;
      readonly call?: CallOptions;
      /** A point in time that the call names, when it is made. */
      readonly until?: () => Date | number;
      /** What the parent call has; its rest is the least of what its child may have. */
      readonly parent?: number;
    }
    const minute = 60_000;
    const sources: [string, Sources, number][] = [
      ["none", {}, Number.POSITIVE_INFINITY],
      ["the call's timeoutMs", { call: { timeoutMs: minute } }, minute],
      ["the call's deadline", { until: () => new Date(Date.now() + minute) }, minute],
      ["the call's deadline, in milliseconds since the epoch", { until: () => Date.now() + minute }, minute],
      ["the method's", { method: minute }, minute],
      ["the channel's", { dial: { timeoutMs: minute } }, minute],
      ["the parent's", { parent: minute }, minute],
      [
        "the call's of all",
        { call: { timeoutMs: minute }, method: 120_000, dial: { timeoutMs: 120_000 }, parent: 120_000 },
        minute,
      ],
      [
        "the method's of all",
        { call: { timeoutMs: 120_000 }, method: minute, dial: { timeoutMs: 120_000 }, parent: 120_000 },
        minute,
      ],
      [
        "the channel's of all",
        { call: { timeoutMs: 120_000 }, method: 120_000, dial: { timeoutMs: minute }, parent: 120_000 },
        minute,
      ],
      [
        "the parent's of all",
        { call: { timeoutMs: 120_000 }, method: 120_000, dial: { timeoutMs: 120_000 }, parent: minute },
        minute,
      ],
      ["no limit by the call", { call: { timeoutMs: Number.POSITIVE_INFINITY }, dial: { timeoutMs: minute } }, minute],
      ["the parent's, less the channel's margin", { parent: 90_000, dial: { marginMs: 30_000 } }, minute],
      [
        "the parent's, less the call's margin",
        { parent: 90_000, dial: { marginMs: 1 }, call: { marginMs: 30_000 } },
        minute,
      ],
      ["a margin without a parent", { dial: { marginMs: 30_000, timeoutMs: minute } }, minute],
      [
        "a margin and a parent without a deadline",
        { parent: Number.POSITIVE_INFINITY, dial: { marginMs: 30_000 } },
        Number.POSITIVE_INFINITY,
      ],
    ];
    test.each(sources)("%s", async (_what, { method, dial: dialOptions, call, until, parent }, expected) => {
      let left = Number.NaN;
      const inner = await startKinds(transport, {
        unary(_request, call) {
          left = call.timeLeftMs();
          expect(call.deadline === undefined).toBe(expected === Number.POSITIVE_INFINITY);
          return {};
        },
      });
      const channel = dial(inner.address, { transport, ...dialOptions });
      const desc = method === undefined ? KindsDesc.methods.unary : withTimeout(KindsDesc.methods.unary, method);
      const options = { ...call, deadline: until?.() };
      if (parent === undefined) await channel.unary(desc, {}, options);
      else {
        const outer = await relay(transport, (call) => channel.unary(desc, {}, { ...options, parent: call }));
        await outer.client.unary({}, { timeoutMs: parent });
      }
      // On the wire it is rounded up to a whole millisecond.
      expect(left).toBeLessThanOrEqual(expected + 1);
      expect(left).toBeGreaterThan(expected === Number.POSITIVE_INFINITY ? 1e9 : expected - 10_000);
    });
  });

  test("a margin that leaves no time: the call is not made, and its parent can still answer", async () => {
    let calls = 0;
    const inner = await startKinds(transport, { unary: () => ({ number: BigInt(++calls) }) });
    const outer = await startKinds(transport, {
      unary: (_request, call) =>
        inner.client
          .unary({}, { parent: call, marginMs: 60_000 })
          .catch((error: RpcError) => ({ text: error.message })),
    });
    const { text } = await outer.client.unary({}, { timeoutMs: 30_000 });
    expect(text).toBe("DEADLINE_EXCEEDED: the deadline had passed before the call was made");
    expect(calls).toBe(0);
  });

  const refused: [string, object, RegExp][] = [
    ["timeoutMs NaN", { timeoutMs: Number.NaN }, /^timeoutMs must be a number of milliseconds, not NaN$/],
    ["timeoutMs text", { timeoutMs: "1s" }, /^timeoutMs .* not "1s"$/],
    ["timeoutMs null", { timeoutMs: null }, /^timeoutMs .* not null$/],
    ["timeoutMs bigint", { timeoutMs: 5n }, /^timeoutMs .* not 5$/],
    ["deadline NaN", { deadline: Number.NaN }, /^deadline must be a Date or a number .* not NaN$/],
    ["deadline an invalid Date", { deadline: new Date("soon") }, /^deadline .* not an invalid Date$/],
    ["deadline text", { deadline: "2099-01-01" }, /^deadline .* not "2099-01-01"$/],
    ["deadline digits in text", { deadline: "99999999999999" }, /^deadline .* not "99999999999999"$/],
    ["deadline null", { deadline: null }, /^deadline .* not null$/],
    ["deadline an object", { deadline: {} }, /^deadline .* not an object$/],
    ["marginMs negative", { marginMs: -1 }, /^marginMs must be a finite number .* at least 0, not -1$/],
    ["marginMs NaN", { marginMs: Number.NaN }, /^marginMs .* not NaN$/],
    ["marginMs infinite", { marginMs: Number.POSITIVE_INFINITY }, /^marginMs .* not Infinity$/],
    ["marginMs text", { marginMs: "5" }, /^marginMs .* not "5"$/],
  ];
  test.each(refused)("%s is INVALID_ARGUMENT that names the option", async (_what, options, details) => {
    const { client } = await startKinds(transport, {});
    const expected = { code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details), attempts: 0 };
    await expect(client.unary({}, options)).rejects.toMatchObject(expected);
    await expect(collect(client.bidiStream([], options))).rejects.toMatchObject(expected);
  });

  test.each([
    ["timeoutMs 0", { timeoutMs: 0 }],
    ["timeoutMs negative", { timeoutMs: -5 }],
    ["timeoutMs minus infinite", { timeoutMs: Number.NEGATIVE_INFINITY }],
    ["deadline in the past", { deadline: Date.now() - 1000 }],
    ["deadline a Date in the past", { deadline: new Date(0) }],
    ["deadline minus infinite", { deadline: Number.NEGATIVE_INFINITY }],
  ])("%s is DEADLINE_EXCEEDED before the call was made", async (_what, options) => {
    let calls = 0;
    const count = () => ({ number: BigInt(++calls) });
    const { client } = await startKinds(transport, { unary: count, clientStream: count });
    const details = "the deadline had passed before the call was made";
    const expected = { code: Code.DEADLINE_EXCEEDED, details, attempts: 0 };
    await expect(client.unary({}, options)).rejects.toMatchObject(expected);
    await expect(client.clientStream([], options)).rejects.toMatchObject(expected);
    await expect(collect(client.serverStream({}, options))).rejects.toMatchObject(expected);
    await client.unary({});
    expect(calls).toBe(1);
  });

  test("a marginMs that is none is refused at dial", () => {
    expect(() => dial("localhost:1", { transport, marginMs: -1 })).toThrow(/marginMs must be a finite number/);
  });

  test("a far deadline is as good as none to timers, and still arrives", async () => {
    const year = 365 * 24 * 3600_000;
    const { client } = await startKinds(transport, { unary: () => ({ text: "in time" }) });
    // grpc-js as a server overflows beyond 24.8 days: see "a grpc-timeout on the wire".
    const timeoutMs = transport === "grpc-js" ? 24 * 24 * 3600_000 : year;
    await expect(client.unary({}, { timeoutMs })).resolves.toMatchObject({ text: "in time" });
  });

  describe("a handler that ignores its signal", () => {
    const stubborn = (finished: () => void, goOn: Promise<void>): Partial<KindsServer> => {
      const late = async () => {
        await goOn;
        setImmediate(finished);
        return { text: "too late" };
      };
      const lateStream = async function* () {
        yield { text: "in time" };
        await goOn;
        for (let i = 0; i < 100; i++) yield { text: "too late" };
        finished();
      };
      return { unary: late, clientStream: late, serverStream: lateStream, bidiStream: lateStream };
    };
    const calls: [string, (kinds: Kinds, options: CallOptions) => Promise<unknown>][] = [
      ["unary", ({ client }, options) => client.unary({}, options)],
      ["clientStream", ({ client }, options) => client.clientStream([{}, {}], options)],
      ["serverStream", ({ client }, options) => collect(client.serverStream({}, options))],
      ["bidiStream", ({ client }, options) => collect(client.bidiStream([{}, {}], options))],
    ];
    test.each(calls)("is cut off at the deadline: %s", async (kind, call) => {
      const finished = event();
      const goOn = event();
      const faults: unknown[] = [];
      const onError = (error: unknown) => faults.push(error);
      const kinds = await startKinds(transport, stubborn(finished.happen, goOn.happened), { onError });
      await expect(call(kinds, { timeoutMs: 300 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      goOn.happen();
      // A generator that waits for more is closed instead: nobody wants what it makes.
      if (!kind.endsWith("Stream") || kind === "clientStream") await finished.happened;
      await expect(call(kinds, {})).resolves.toMatchObject(
        /^(unary|clientStream)$/.test(kind) ? { text: "too late" } : { 100: { text: "too late" } },
      );
      expect(faults).toEqual([]);
      expect(kinds.channel.stats).toMatchObject({ inFlight: 0 });
    });
  });

  test("call.deadline, timeLeftMs() and signal agree, and follow the clock", async () => {
    const seen = event<{ deadline: number; left: number; at: number }>();
    const ended = event<{ left: number; deadline: boolean }>();
    const { client } = await startKinds(transport, {
      async unary(_request, call) {
        seen.happen({ deadline: call.deadline!.getTime(), left: call.timeLeftMs(), at: Date.now() });
        await aborted(call.signal);
        ended.happen({ left: call.timeLeftMs(), deadline: call.deadline!.getTime() <= Date.now() });
        return {};
      },
    });
    await expect(client.unary({}, { timeoutMs: 500 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    const { deadline, left, at } = await seen.happened;
    expect(Math.abs(deadline - at - left)).toBeLessThan(100);
    // The caller's own timer may have been the first, by a moment.
    expect((await ended.happened).left).toBeLessThan(50);
  });

  describe("requireDeadline", () => {
    const answer = { unary: () => ({ text: "hi" }), serverStream: () => [{ text: "hi" }] };
    test.each<[ofServer: boolean | undefined, ofService: boolean | undefined, refuses: boolean]>([
      [true, undefined, true],
      [true, false, false],
      [false, true, true],
      [undefined, true, true],
      [undefined, undefined, false],
    ])("of the server %s, of the service %s", async (ofServer, ofService, refuses) => {
      const { client } = await startKinds(
        transport,
        answer,
        { requireDeadline: ofServer },
        { requireDeadline: ofService },
      );
      await expect(client.unary({}, { timeoutMs: 60_000 })).resolves.toMatchObject({ text: "hi" });
      await expect(collect(client.serverStream({}, { timeoutMs: 60_000 }))).resolves.toHaveLength(1);
      if (!refuses) {
        await expect(client.unary({})).resolves.toMatchObject({ text: "hi" });
        return;
      }
      const details = expect.stringMatching(/wants a deadline here \(requireDeadline\): set timeoutMs or deadline/);
      await expect(client.unary({})).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, details });
      await expect(collect(client.serverStream({}))).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT, details });
    });
  });

  describe("a chain A → B → C → D", () => {
    interface Chain {
      readonly a: Kinds;
      readonly all: readonly Kinds[];
      /** What each server had left when its handler began. */
      readonly left: number[];
      readonly started: Promise<void>;
      /** Servers in the order in which their calls were cancelled. */
      readonly cancelled: string[];
      /** Resolves when the handlers of all four have ended. */
      readonly ended: Promise<unknown>;
    }

    /** Each server calls the next; D waits until it is cancelled. */
    async function startChain(options: CallOptions): Promise<Chain> {
      const left: number[] = [];
      const cancelled: string[] = [];
      const started = event();
      const ends: Promise<unknown>[] = [];
      let next: Kinds | undefined;
      const all: Kinds[] = [];
      for (const name of ["D", "C", "B", "A"]) {
        const inner = next;
        const end = event();
        ends.push(end.happened);
        next = await startKinds(transport, {
          async unary(request, call) {
            left.push(call.timeLeftMs());
            call.signal.addEventListener("abort", () => cancelled.push(name));
            await sleep(5); // Its work, longer than what the wire rounds a deadline by.
            try {
              if (inner !== undefined) return await inner.client.unary(request, { parent: call, ...options });
              started.happen();
              await aborted(call.signal);
              return {};
            } finally {
              end.happen();
            }
          },
        });
        all.unshift(next);
      }
      return { a: all[0]!, all, left, started: started.happened, cancelled, ended: Promise.all(ends) };
    }

    test.each<[string, CallOptions, number]>([
      ["by the time that passes", {}, 0],
      ["and by a margin", { marginMs: 1000 }, 1000],
    ])("the deadline shrinks at each hop %s", async (_what, options, margin) => {
      const { a, left, started, ended } = await startChain(options);
      const controller = new AbortController();
      const reply = a.client.unary({}, { timeoutMs: 60_000, signal: controller.signal });
      reply.catch(() => {});
      await started;
      controller.abort();
      await ended;
      expect(left).toHaveLength(4);
      expect(left[0]).toBeLessThanOrEqual(60_001);
      for (let i = 1; i < left.length; i++) expect(left[i]).toBeLessThan(left[i - 1]! - margin);
      expect(left[3]).toBeGreaterThan(60_000 - 3 * margin - 10_000);
    });

    test("one cancel at A ends all four, in order, with nothing left running", async () => {
      const { a, all, started, cancelled, ended } = await startChain({});
      const controller = new AbortController();
      const reply = a.client.unary({}, { signal: controller.signal });
      await started;
      controller.abort();
      await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
      await ended;
      expect(cancelled).toEqual(["A", "B", "C", "D"]);
      for (const { channel } of all) expect(channel.stats).toMatchObject({ inFlight: 0, queued: 0 });
    });

    test("the deadline of A ends all four", async () => {
      const { a, all, cancelled, ended } = await startChain({});
      const reply = a.client.unary({}, { timeoutMs: 1000 });
      await expect(reply).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      await ended;
      expect([...cancelled].sort()).toEqual(["A", "B", "C", "D"]);
      for (const { channel } of all) expect(channel.stats).toMatchObject({ inFlight: 0, queued: 0 });
    });
  });
});

describe("propagate and requireDeadline that are none", () => {
  test.each<[object, RegExp]>([
    [{ propagate: "always" }, /propagate: must be "explicit" or "auto", not "always"/],
    [{ propagate: true }, /propagate: .* not true/],
    [{ requireDeadline: "yes" }, /requireDeadline: must be true or false, not "yes"/],
  ])("%p", (options, message) => {
    expect(() => new Server(options)).toThrow(message);
  });
});

describe.each(wireTransports)("a grpc-timeout on the wire of $name", ({ transport }) => {
  let raw: RawCalls | undefined;
  afterEach(() => raw?.close());

  /** A server that keeps the headers of its requests and answers nothing that anybody could use. */
  async function listener(): Promise<{ address: string; headers: IncomingHttpHeaders[]; close: () => Promise<void> }> {
    const headers: IncomingHttpHeaders[] = [];
    const server: Http2Server = createServer((request, response) => {
      headers.push(request.headers);
      response.writeHead(503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, headers, close };
  }

  test("a call sends its timeout, of at most eight digits and a unit; without a deadline none", async () => {
    const { address, headers, close } = await listener();
    const channel = dial(address, { transport });
    const client = kindsClient(channel);
    const timeouts = [undefined, Number.POSITIVE_INFINITY, 1000, 99_999_000, 100_000_000, 2e9];
    for (const timeoutMs of timeouts)
      await expect(client.unary({}, { timeoutMs })).rejects.toMatchObject({ attempts: 1 });
    await expect(client.unary({}, { timeoutMs: 0 })).rejects.toMatchObject({ attempts: 0 });
    await channel.close();
    await close();
    const units = { H: 3600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
    const sent = headers.map(({ "grpc-timeout": value }) => {
      if (value === undefined) return Number.POSITIVE_INFINITY;
      const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value as string)!;
      return Number(digits) * units[unit as keyof typeof units];
    });
    expect(sent).toHaveLength(timeouts.length); // What has expired is not sent.
    for (const [i, timeoutMs = Number.POSITIVE_INFINITY] of timeouts.entries()) {
      expect(sent[i]).toBeLessThanOrEqual(timeoutMs * 1.001); // Rounded up to the unit.
      expect(sent[i]).toBeGreaterThan(timeoutMs === Number.POSITIVE_INFINITY ? 1e15 : timeoutMs - 10_000);
    }
  });

  type Outcome = Code | { readonly ms: number };
  const { INTERNAL, DEADLINE_EXCEEDED } = Code;
  /**
   * TimeoutValue of the gRPC PROTOCOL-HTTP2 document is a positive integer of at most eight digits, TimeoutUnit one of
   * H M S m u n. The third column is what grpc-js, which reads the header itself, makes of it where that is wrong: it
   * takes the first thing that looks like a timeout, wherever that stands, and counts in 32 bits.
   */
  const headers: [string, Outcome, Outcome?][] = [
    ["1H", { ms: 3_600_000 }],
    ["1M", { ms: 60_000 }],
    ["100S", { ms: 100_000 }],
    ["50000m", { ms: 50_000 }],
    ["50000000u", { ms: 50_000 }],
    ["99999999u", { ms: 99_999 }],
    ["00000090S", { ms: 90_000 }],
    ["2147483S", { ms: 2_147_483_000 }],
    ["596H", { ms: 2_145_600_000 }],
    ["597H", { ms: 2_149_200_000 }, DEADLINE_EXCEEDED],
    ["2147484S", { ms: 2_147_484_000 }, DEADLINE_EXCEEDED],
    ["99999999S", { ms: 99_999_999_000 }, { ms: 1_215_751_192 }],
    ["99999999M", { ms: 5_999_999_940_000 }, DEADLINE_EXCEEDED],
    ["99999999H", { ms: 359_999_996_400_000 }, { ms: 132_616_576 }],
    ["1n", DEADLINE_EXCEEDED],
    ["1u", DEADLINE_EXCEEDED],
    // grpc-js counts in whole milliseconds; elsewhere the handler may well be quicker than that.
    ...(transport === "grpc-js" ? [["999u", DEADLINE_EXCEEDED] as [string, Outcome]] : []),
    ["0S", DEADLINE_EXCEEDED],
    ["0m", DEADLINE_EXCEEDED],
    ["", INTERNAL],
    ["5", INTERNAL],
    ["S", INTERNAL],
    ["50s", INTERNAL],
    ["50h", INTERNAL],
    ["50X", INTERNAL],
    ["Infinity", INTERNAL],
    ["NaN", INTERNAL],
    ["123456789m", INTERNAL, { ms: 23_456_789 }],
    ["-50S", INTERNAL, { ms: 50_000 }],
    ["+50S", INTERNAL, { ms: 50_000 }],
    ["1.50S", INTERNAL, { ms: 50_000 }],
    ["50 S", INTERNAL, { ms: 50_000 }],
    ["50SS", INTERNAL, { ms: 50_000 }],
    ["50S,60S", INTERNAL, { ms: 50_000 }],
    ["1e50S", INTERNAL, { ms: 50_000 }],
  ];
  test.each(headers)("%p", async (value, right, onGrpcJs = right) => {
    const { address, client } = await startKinds(transport, {
      unary(_request, call) {
        call.trailers.set("x-left", String(call.timeLeftMs()));
        return {};
      },
    });
    raw = new RawCalls(address);
    const path = KindsDesc.methods.unary.path;
    const trailers = await raw.start(path, { headers: { "grpc-timeout": value } }).ended;
    const expected = transport === "grpc-js" ? onGrpcJs : right;
    if (typeof expected === "number") {
      expect(trailers["grpc-status"]).toBe(String(expected));
      expect(trailers["x-left"]).toBeUndefined();
    } else {
      expect(trailers["grpc-status"]).toBe("0");
      expect(Number(trailers["x-left"])).toBeLessThanOrEqual(expected.ms + 1);
      expect(Number(trailers["x-left"])).toBeGreaterThan(expected.ms - 5000);
    }
    await client.unary({}); // The server lives on.
  });

  test.each(["unary", "serverStream"] as const)("nothing is sent after the deadline: %s", async (kind) => {
    const goOn = event();
    const finished = event();
    const { address } = await startKinds(transport, {
      async unary(_request, call) {
        call.sendHeaders();
        await goOn.happened;
        setImmediate(finished.happen);
        return { text: "too late" };
      },
      async *serverStream() {
        try {
          yield { text: "in time" };
          await goOn.happened;
          yield { text: "too late" };
        } finally {
          finished.happen();
        }
      },
    });
    raw = new RawCalls(address);
    const call = raw.start(KindsDesc.methods[kind].path, { headers: { "grpc-timeout": "300m" } });
    const trailers = await call.ended;
    expect(trailers["grpc-status"]).toBe(String(DEADLINE_EXCEEDED));
    goOn.happen();
    await finished.happened;
    await raw.settled();
    expect(call.events.filter((what) => what !== "data")).toEqual(["headers", "trailers", "close"]);
    expect(call.events.filter((what) => what === "data")).toHaveLength(kind === "unary" ? 0 : 1);
  });

  test.each([
    ["fills its buffers", 64 * 1024],
    ["sends a little", 0],
  ])("a peer that does not read: a handler that %s is told when the deadline passes", async (_what, bytes) => {
    const stopped = event<unknown>();
    const { address, client } = await startKinds(transport, {
      unary: () => ({ text: "still there" }),
      async *serverStream(_request, call) {
        try {
          do yield { data: new Uint8Array(bytes) };
          while (bytes > 0);
          await aborted(call.signal);
        } finally {
          stopped.happen(call.signal.reason);
        }
      },
    });
    raw = new RawCalls(address, { initialWindowSize: 0 });
    raw.start(KindsDesc.methods.serverStream.path, { headers: { "grpc-timeout": "300m" }, read: false });
    await expect(stopped.happened).resolves.toMatchObject({ code: DEADLINE_EXCEEDED });
    await expect(client.unary({})).resolves.toMatchObject({ text: "still there" });
  });
});
