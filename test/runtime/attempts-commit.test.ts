/** When a call belongs to the attempt that it has: from the first thing that the attempt brings. */
import {
  Code,
  type HedgingPolicy,
  type Interceptor,
  type Metadata,
  type RetryPolicy,
  RpcError,
  type ServerCall,
} from "@trunkline/runtime";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const retry: RetryPolicy = {
  maxAttempts: 3,
  initialBackoffMs: 1,
  maxBackoffMs: 1,
  backoffMultiplier: 1,
  codes: [Code.UNAVAILABLE],
};

describe.each(transports)("a call that is committed on $name", ({ transport }) => {
  test("by headers alone: nothing that fails after them is tried again, of any kind", async () => {
    let attempts = 0;
    const seen: (string | undefined)[] = [];
    const failLate = (_request: unknown, call: ServerCall): never => {
      call.sendHeaders({ "x-attempt": String(++attempts) });
      throw new RpcError(Code.UNAVAILABLE, "after the headers");
    };
    const kinds = await startKinds(transport, {
      unary: failLate,
      serverStream: failLate,
      clientStream: failLate,
      bidiStream: failLate,
    });
    const client = kinds.dial({ retry });
    const options = { onHeaders: (headers: Metadata) => seen.push(headers.get("x-attempt")) };
    const calls = [
      () => client.unary({}, options),
      () => collect(client.serverStream({}, options)),
      () => client.clientStream([{}], options),
      () => collect(client.bidiStream([{}], options)),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: Code.UNAVAILABLE, details: "after the headers", attempts: 1 });
    }
    expect(attempts).toBe(4);
    expect(seen).toEqual(["1", "2", "3", "4"]);
  });

  test("a stream of requests is sent on to its attempt, and nothing of it again", async () => {
    const [first, goOn] = [event(), event()];
    const got: string[] = [];
    const kinds = await startKinds(transport, {
      async *bidiStream(requests) {
        for await (const { text } of requests) {
          got.push(text);
          yield { text };
        }
        throw new RpcError(Code.UNAVAILABLE, "at the end");
      },
    });
    const requests = async function* () {
      yield { text: "a" };
      await first.happened;
      yield { text: "b" };
      await goOn.happened;
      yield { text: "c" };
    };
    const echoed: string[] = [];
    const read = async () => {
      for await (const { text } of kinds.dial({ retry }).bidiStream(requests())) {
        echoed.push(text);
        (text === "a" ? first : goOn).happen();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: Code.UNAVAILABLE, attempts: 1 });
    expect(echoed).toEqual(["a", "b", "c"]);
    expect(got).toEqual(["a", "b", "c"]);
  });

  test("by one of several at once: the others are cancelled as its headers come, before its answer", async () => {
    const cancelled = event();
    const answer = event();
    let arrived = 0;
    const both = event();
    const kinds = await startKinds(transport, {
      async unary(_request, call) {
        const mine = ++arrived;
        if (mine === 2) both.happen();
        await both.happened;
        if (mine === 1) {
          call.signal.addEventListener("abort", () => cancelled.happen());
          return new Promise<never>(() => {});
        }
        call.sendHeaders();
        await answer.happened;
        return { text: "second" };
      },
    });
    const hedging: HedgingPolicy = { maxAttempts: 2, hedgingDelayMs: 0, nonFatalCodes: [Code.UNAVAILABLE] };
    const reply = kinds.dial({ retry: hedging }).unary({});
    await cancelled.happened;
    answer.happen();
    await expect(reply).resolves.toMatchObject({ text: "second" });
    expect(arrived).toBe(2);
  });

  describe("leaves its attempts behind, and", () => {
    const echo = async function* <T>(requests: AsyncIterable<T>) {
      yield* requests;
    };

    /** Whether the call is committed is known by its first answer. */
    async function* afterFirstAnswer(answered: Promise<void>, ...later: readonly Partial<Note>[]) {
      yield { text: "first" };
      await answered;
      yield* later;
    }

    async function read(replies: AsyncIterable<Note>, onAnswer: () => void): Promise<string[]> {
      const texts: string[] = [];
      for await (const { text } of replies) {
        texts.push(text);
        onAnswer();
      }
      return texts;
    }

    /** On a connection that is there: a call that waits for one is handed over by nobody. */
    async function startEcho() {
      const kinds = await startKinds(transport, { bidiStream: echo });
      await kinds.channel.waitForReady();
      return kinds;
    }

    test("keeps to the limit of what it may send", async () => {
      const { dial } = await startEcho();
      const answered = event();
      const requests = afterFirstAnswer(answered.happened, { text: "x".repeat(50) }, { text: "x".repeat(101) });
      const replies = dial({ retry }).bidiStream(requests, { maxSendMessageBytes: 100 });
      await expect(read(replies, answered.happen)).rejects.toMatchObject({
        code: Code.RESOURCE_EXHAUSTED,
        details: expect.stringContaining("over maxSendMessageBytes, 100"),
      });
    });

    test("says which message cannot be encoded", async () => {
      const { dial } = await startEcho();
      const answered = event();
      const unreadable = {
        get text(): string {
          throw new Error("no text today");
        },
      };
      const replies = dial({ retry }).bidiStream(afterFirstAnswer(answered.happened, unreadable));
      await expect(read(replies, answered.happen)).rejects.toMatchObject({
        code: Code.INTERNAL,
        details: expect.stringContaining("no text today"),
        attempts: 1,
      });
    });

    test("tells who observes its attempt of the end, with all of its traffic", async () => {
      const { dial } = await startEcho();
      const ends: [Code, number][] = [];
      const observe: Interceptor = (next) => (call) => {
        call.onAttempt?.(
          () =>
            ({ code }, { sentBytes }) =>
              ends.push([code, sentBytes]),
        );
        return next(call);
      };
      const answered = event();
      const requests = afterFirstAnswer(answered.happened, { text: "x".repeat(1000) });
      const replies = dial({ retry, interceptors: [observe] }).bidiStream(requests);
      await read(replies, answered.happen);
      expect(ends).toEqual([[Code.OK, expect.any(Number)]]);
      expect(ends[0]![1]).toBeGreaterThan(1000);
    });

    test("gives its throttle credit when it ends well", async () => {
      let failures = 0;
      const { dial } = await startKinds(transport, {
        bidiStream: echo,
        unary() {
          failures++;
          throw new RpcError(Code.UNAVAILABLE, "no");
        },
      });
      const client = dial({ retry: { ...retry, maxAttempts: 2 }, retryThrottling: { maxTokens: 4, tokenRatio: 1 } });
      const fails = async () => {
        failures = 0;
        await expect(client.unary({})).rejects.toMatchObject({ details: "no" });
        return failures;
      };
      // Two of four tokens are left: with less than half of them nothing is tried again.
      expect(await fails()).toBe(2);
      for (let i = 0; i < 2; i++) {
        const answered = event();
        await read(client.bidiStream(afterFirstAnswer(answered.happened)), answered.happen);
      }
      expect(await fails()).toBe(2);
    });
  });
});
