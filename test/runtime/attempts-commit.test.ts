/** When a call belongs to the attempt that it has: from the first thing that the attempt brings. */
import {
  Code,
  type HedgingPolicy,
  type Metadata,
  type RetryPolicy,
  RpcError,
  type ServerCall,
} from "@trunkline/runtime";
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
});
