import { Code, RpcError } from "@trunkline/runtime";
import {
  type CircuitBreakerOptions,
  type CircuitEvent,
  circuitBreaker,
} from "@trunkline/runtime/interceptors/circuit-breaker";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";
import { FakeClock } from "./fake-clock.js";

afterEach(stopKinds);

const unary = "/kinds.v1.Kinds/Unary";

/** A breaker that opens at half of four calls, on a clock, with what it told. */
function breaker(options: CircuitBreakerOptions = {}) {
  const clock = new FakeClock();
  const events: CircuitEvent[] = [];
  const onChange = (change: CircuitEvent) => events.push(change);
  const interceptor = circuitBreaker({ minCalls: 4, windowMs: 1000, openMs: 5000, clock, onChange, ...options });
  const changes = () => events.splice(0).map(({ from, to }) => `${from} → ${to}`);
  return { clock, events, changes, interceptor };
}

describe.each(transports)("circuitBreaker on $name", ({ transport }) => {
  /** A server whose method answers with the next of the codes, and with OK after the last. */
  async function start(codes: Code[], interceptor: ReturnType<typeof circuitBreaker>) {
    const seen = { calls: 0 };
    const answer = () => {
      seen.calls++;
      const code = codes.shift() ?? Code.OK;
      if (code !== Code.OK) throw new RpcError(code, "as you wish");
      return { text: "ok" };
    };
    const kinds = await startKinds(transport, { unary: answer, serverStream: () => [answer()] });
    return { seen, codes, client: kinds.dial({ interceptors: [interceptor] }) };
  }
  type Client = Awaited<ReturnType<typeof start>>["client"];
  const outcome = (client: Client) =>
    client.unary({}).then(
      () => Code.OK,
      (error: RpcError) => error.code,
    );
  const { OK, UNAVAILABLE, INTERNAL, NOT_FOUND } = Code;

  test("opens at the ratio of failures, refuses with the last failure as cause, tries again, and closes", async () => {
    const { clock, events, changes, interceptor } = breaker();
    const { seen, codes, client } = await start([OK, UNAVAILABLE, NOT_FOUND], interceptor);
    for (let i = 0; i < 3; i++) await outcome(client);
    expect(interceptor.states().get(unary)).toBe("closed");
    codes.push(INTERNAL);
    await outcome(client); // Two of four.
    expect(events).toEqual([
      { key: unary, from: "closed", to: "open", calls: 4, failures: 2, cause: expect.any(RpcError) },
    ]);
    const error: RpcError = await client.unary({}).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: UNAVAILABLE,
      details: `the circuit breaker of ${unary} is open for 5000 ms more; the last failure was INTERNAL: as you wish`,
      cause: { code: INTERNAL },
    });
    expect(seen.calls).toBe(4);
    expect(await collect(client.serverStream({}))).toHaveLength(1); // Another method.
    clock.advance(5000);
    expect(await outcome(client)).toBe(OK);
    expect(changes()).toEqual(["closed → open", "open → halfOpen", "halfOpen → closed"]);
    codes.push(UNAVAILABLE, UNAVAILABLE, UNAVAILABLE);
    for (let i = 0; i < 3; i++) await outcome(client); // It has begun anew: three calls are too few.
    expect(changes()).toEqual([]);
  });

  test("a trial that fails opens it again; one at a time is on trial, and a cancelled one tells nothing", async () => {
    const { clock, changes, interceptor } = breaker();
    const arrived = event();
    const answer = event<{ text: string }>();
    let calls = 0;
    const { dial } = await startKinds(transport, {
      unary: () => {
        calls++;
        if (calls <= 5) throw new RpcError(UNAVAILABLE, "no");
        arrived.happen();
        return answer.happened;
      },
    });
    const client = dial({ interceptors: [interceptor] });
    for (let i = 0; i < 4; i++) await outcome(client);
    clock.advance(5000);
    expect(await outcome(client)).toBe(UNAVAILABLE);
    expect(changes()).toEqual(["closed → open", "open → halfOpen", "halfOpen → open"]);
    expect(calls).toBe(5);
    clock.advance(5000);
    const controller = new AbortController();
    const trial = client.unary({}, { signal: controller.signal });
    await arrived.happened;
    await expect(client.unary({})).rejects.toMatchObject({ details: expect.stringMatching(/is half open and waits/) });
    controller.abort();
    await expect(trial).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(interceptor.states().get(unary)).toBe("halfOpen");
    answer.happen({ text: "ok" });
    expect(await outcome(client)).toBe(OK);
    expect(changes()).toEqual(["open → halfOpen", "halfOpen → closed"]);
    expect(calls).toBe(7);
  });

  test("failures are forgotten with the window, and listed codes alone count", async () => {
    const { clock, changes, interceptor } = breaker({ codes: [UNAVAILABLE] });
    const { client } = await start(
      [UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, INTERNAL, INTERNAL, INTERNAL, INTERNAL, UNAVAILABLE, UNAVAILABLE],
      interceptor,
    );
    for (let i = 0; i < 3; i++) await outcome(client);
    clock.advance(1000);
    for (let i = 0; i < 5; i++) await outcome(client);
    expect(changes()).toEqual([]); // One of five.
    await outcome(client);
    expect(changes()).toEqual([]); // Two of six.
  });

  test("what began before a change of state says nothing of the state after it", async () => {
    const { clock, changes, interceptor } = breaker();
    const late = event<{ text: string }>();
    let calls = 0;
    const { dial } = await startKinds(transport, {
      unary: () => {
        if (++calls === 1) return late.happened;
        throw new RpcError(UNAVAILABLE, "no");
      },
    });
    const client = dial({ interceptors: [interceptor] });
    const slow = client.unary({});
    for (let i = 0; i < 4; i++) await outcome(client);
    clock.advance(5000);
    expect(await outcome(client)).toBe(UNAVAILABLE);
    late.happen({ text: "late" });
    await slow;
    expect(changes()).toEqual(["closed → open", "open → halfOpen", "halfOpen → open"]);
  });

  test("a stream's first message closes a half-open circuit", async () => {
    const { clock, interceptor } = breaker({ minCalls: 1 });
    let calls = 0;
    const { dial } = await startKinds(transport, {
      async *serverStream() {
        if (++calls === 1) throw new RpcError(UNAVAILABLE, "no");
        for (;;) yield { text: "more" };
      },
    });
    const client = dial({ interceptors: [interceptor] });
    await expect(collect(client.serverStream({}))).rejects.toMatchObject({ code: UNAVAILABLE });
    clock.advance(5000);
    for await (const _ of client.serverStream({})) {
      expect([...interceptor.states().values()]).toEqual(["closed"]);
      break;
    }
  });

  test("a trial of which nothing is heard for openMs does not keep the circuit half open for ever", async () => {
    const { clock, changes, interceptor } = breaker({ minCalls: 1 });
    const arrived = event();
    let calls = 0;
    const { dial } = await startKinds(transport, {
      unary: () => {
        calls++;
        if (calls === 1) throw new RpcError(UNAVAILABLE, "no");
        if (calls > 2) return { text: "ok" };
        arrived.happen();
        return new Promise<never>(() => {});
      },
    });
    const client = dial({ interceptors: [interceptor] });
    await outcome(client);
    clock.advance(5000);
    const controller = new AbortController();
    const stuck = client.unary({}, { signal: controller.signal });
    await arrived.happened;
    clock.advance(4999);
    await expect(client.unary({})).rejects.toMatchObject({ details: expect.stringMatching(/half open and waits/) });
    clock.advance(1);
    expect(await outcome(client)).toBe(OK);
    expect(changes()).toEqual(["closed → open", "open → halfOpen", "halfOpen → closed"]);
    controller.abort();
    await expect(stuck).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(interceptor.states().get(unary)).toBe("closed");
  });

  test("an open circuit that nobody asks for any more makes room for other keys", async () => {
    const key: CircuitBreakerOptions["key"] = (call) => call.metadata.get("x-shard");
    const { clock, interceptor } = breaker({ key, maxKeys: 1, minCalls: 1 });
    const { client, codes } = await start([UNAVAILABLE], interceptor);
    const of = (shard: string) => client.unary({}, { metadata: { "x-shard": shard } });
    await expect(of("gone")).rejects.toMatchObject({ code: UNAVAILABLE });
    clock.advance(5000);
    await of("a"); // It may be tried: until the window has passed as well, that is worth knowing.
    expect([...interceptor.states()]).toEqual([["gone", "open"]]);
    clock.advance(1001);
    await of("a");
    expect([...interceptor.states()]).toEqual([["a", "closed"]]);
    expect(codes).toEqual([]);
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no disk");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no disk"))],
  ])("an onChange that %s harms no call and no process", async (_what, onChange) => {
    const { error } = console;
    const printed = event<string>();
    console.error = (...values) => printed.happen(String(values));
    const { interceptor } = breaker({ minCalls: 1, onChange: onChange as () => void });
    const { client } = await start([UNAVAILABLE], interceptor);
    try {
      await expect(client.unary({})).rejects.toMatchObject({ details: "as you wish" });
      expect(await printed.happened).toMatch(/circuitBreaker\(\).*no disk/);
    } finally {
      console.error = error;
    }
    expect(interceptor.states().get(unary)).toBe("open");
  });

  test("keys of the caller's choice, of which so many are kept", async () => {
    const key: CircuitBreakerOptions["key"] = (call) => call.metadata.get("x-shard");
    const { clock, interceptor } = breaker({ key, maxKeys: 2, minCalls: 1 });
    const { client, codes } = await start([], interceptor);
    const of = (shard: string) => client.unary({}, { metadata: { "x-shard": shard } });
    await of("a");
    await of("b");
    await of("c");
    expect([...interceptor.states().keys()]).toEqual(["a", "b"]);
    clock.advance(1001);
    await of("c");
    expect([...interceptor.states().keys()]).toEqual(["b", "c"]);
    codes.push(UNAVAILABLE);
    await expect(of("c")).rejects.toMatchObject({ details: "as you wish" });
    await expect(of("c")).rejects.toMatchObject({ details: expect.stringMatching(/breaker of c is open/) });
    await client.unary({});
  });
});

test.each<[string, CircuitBreakerOptions]>([
  ["failureRatio", { failureRatio: 0 }],
  ["failureRatio", { failureRatio: 1.1 }],
  ["minCalls", { minCalls: 0 }],
  ["windowMs", { windowMs: 0 }],
  ["openMs", { openMs: Number.NaN }],
  ["trialCalls", { trialCalls: 0.5 }],
  ["maxKeys", { maxKeys: 0 }],
])("refuses %s out of range: %j", (name, options) => {
  expect(() => circuitBreaker(options)).toThrow(new RegExp(`INVALID_ARGUMENT: ${name}: must be a`));
});
