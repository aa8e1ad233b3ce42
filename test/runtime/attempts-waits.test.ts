/** How long a call waits between its attempts: by a clock that stands still, so that each wait is exact. */
import { jest } from "@jest/globals";
import {
  Code,
  dial,
  type HedgingPolicy,
  Metadata,
  type RetryPolicy,
  RpcError,
  type Transport,
} from "@trunkline/runtime";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { loopback } from "./loopback.js";

/** What a server does with an attempt: fails it, with a pushback or without, or keeps it waiting for ever. */
type Fate = Code | { readonly code: Code; readonly pushback: string } | "silent";

const retry: RetryPolicy = {
  maxAttempts: 5,
  initialBackoffMs: 100,
  maxBackoffMs: 1000,
  backoffMultiplier: 2,
  codes: [Code.UNAVAILABLE],
};
const hedging: HedgingPolicy = { maxAttempts: 4, hedgingDelayMs: 100, nonFatalCodes: [Code.UNAVAILABLE] };

let random: ReturnType<typeof jest.spyOn>;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
  // The middle of what it may be: a wait is then the one that the policy names.
  random = jest.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  random.mockRestore();
  jest.useRealTimers();
});

/** A transport on which attempts meet their fates, and when each of them began. */
function fated(fates: readonly Fate[]): { readonly transport: Transport; readonly begun: number[] } {
  const begun: number[] = [];
  const transport: Transport = {
    ...loopback,
    name: `fated ${begunTransports++}`,
    connect: (_options, observer) => ({
      capabilities: { ping: false, compressionPerCall: true },
      state: "READY",
      connect: () => {},
      drain: async () => {},
      start(_spec, sink) {
        const fate = fates[begun.push(performance.now()) - 1] ?? "silent";
        const end = (code: Code, metadata: Metadata) => {
          sink.onEnd({ code, details: "as told", metadata }, "processed");
          observer.onCallEnd(code);
        };
        if (typeof fate === "number") setImmediate(() => end(fate, new Metadata()));
        else if (fate !== "silent") {
          setImmediate(() => end(fate.code, new Metadata({ "grpc-retry-pushback-ms": fate.pushback })));
        }
        return {
          send: () => true,
          end: () => {},
          read: () => {},
          cancel: (code) => setImmediate(() => end(code, new Metadata())),
          peer: () => undefined,
          traffic: () => ({ sentBytes: 0, receivedBytes: 0 }),
        };
      },
    }),
  };
  return { transport, begun };
}
let begunTransports = 0;

/** Milliseconds between the attempts of a call that is cancelled once no timer is set any more. */
async function waitsOf(
  fates: readonly Fate[],
  policy: RetryPolicy | HedgingPolicy,
  more: object = {},
): Promise<number[]> {
  const { transport, begun } = fated(fates);
  const channel = dial("localhost:1", { transport, retry: policy, ...more });
  const controller = new AbortController();
  const call = kindsClient(channel)
    .unary({}, { signal: controller.signal })
    .catch((error: RpcError) => error);
  for (;;) {
    // Attempts fail, and timers are set, within a few turns.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    if (jest.getTimerCount() === 0) break;
    jest.advanceTimersToNextTimer();
  }
  controller.abort();
  await call;
  expect(jest.getTimerCount()).toBe(0);
  await channel.close();
  return begun.slice(1).map((time, i) => Math.round(time - begun[i]!));
}

const { UNAVAILABLE } = Code;
const failures = Array<Code>(5).fill(UNAVAILABLE);

describe("waits between retries", () => {
  test("grow by the multiplier", async () => {
    expect(await waitsOf(failures, retry)).toEqual([100, 200, 400, 800]);
    expect(await waitsOf(failures, { ...retry, backoffMultiplier: 1 })).toEqual([100, 100, 100, 100]);
  });

  test("are never longer than maxBackoffMs, before their jitter", async () => {
    expect(await waitsOf(failures, { ...retry, maxBackoffMs: 250 })).toEqual([100, 200, 250, 250]);
    expect(await waitsOf(failures, { ...retry, maxBackoffMs: 10 })).toEqual([10, 10, 10, 10]);
  });

  test("vary by a fifth, either way", async () => {
    random.mockReturnValue(0);
    expect(await waitsOf(failures, retry)).toEqual([80, 160, 320, 640]);
    random.mockReturnValue(1 - Number.EPSILON);
    expect(await waitsOf(failures, retry)).toEqual([120, 240, 480, 960]);
  });

  test.each([
    ["0", 0],
    ["7", 7],
    ["60000", 60_000],
  ])("are what the server says: %s, without jitter, and begin anew after it", async (pushback, millis) => {
    random.mockReturnValue(0);
    const fates: Fate[] = [UNAVAILABLE, UNAVAILABLE, { code: UNAVAILABLE, pushback }, UNAVAILABLE, UNAVAILABLE];
    expect(await waitsOf(fates, retry)).toEqual([80, 160, millis, 80]);
  });

  test.each(["-1", "-0", "+5", "1.5", "1e3", " 5", "", "soon", "99999999999"])(
    "do not begin where the server says %p",
    async (pushback) => {
      expect(await waitsOf([{ code: UNAVAILABLE, pushback }], retry)).toEqual([]);
    },
  );
});

describe("hedging", () => {
  test("starts each attempt a delay after the one before, while those are out", async () => {
    expect(await waitsOf([], hedging)).toEqual([100, 100, 100]);
    expect(await waitsOf([], { ...hedging, hedgingDelayMs: 0 })).toEqual([0, 0, 0]);
  });

  test("starts the next at once when one fails, and counts the delay from there", async () => {
    expect(await waitsOf(["silent", UNAVAILABLE], hedging)).toEqual([100, 0, 100]);
  });

  test("waits as long as the server says instead", async () => {
    expect(await waitsOf([{ code: UNAVAILABLE, pushback: "7" }], hedging)).toEqual([7, 100, 100]);
    expect(await waitsOf([{ code: UNAVAILABLE, pushback: "5000" }], hedging)).toEqual([5000, 100, 100]);
  });

  test("starts no more when the server wants none, while another is out", async () => {
    expect(await waitsOf(["silent", { code: UNAVAILABLE, pushback: "-1" }], hedging)).toEqual([100]);
  });

  test("starts no more with half of the tokens gone", async () => {
    const fates: Fate[] = ["silent", UNAVAILABLE, UNAVAILABLE];
    const maxTokens = { maxTokens: 3, tokenRatio: 0.1 };
    // Three tokens: after the first failure two are left, after the second one, which is not above the half.
    expect(await waitsOf(fates, hedging, { retryThrottling: maxTokens })).toEqual([100, 0]);
    expect(await waitsOf(fates, hedging, { retryThrottling: { ...maxTokens, maxTokens: 100 } })).toEqual([100, 0, 0]);
  });
});

test("a server that wants no retry costs a token, whatever the code", async () => {
  const { transport, begun } = fated([
    { code: Code.NOT_FOUND, pushback: "-1" },
    { code: Code.NOT_FOUND, pushback: "-1" },
    UNAVAILABLE,
  ]);
  const channel = dial("localhost:1", { transport, retry, retryThrottling: { maxTokens: 4, tokenRatio: 1 } });
  const client = kindsClient(channel);
  for (let i = 0; i < 3; i++) await expect(client.unary({})).rejects.toBeInstanceOf(RpcError);
  expect(begun).toHaveLength(3);
  await channel.close();
});
