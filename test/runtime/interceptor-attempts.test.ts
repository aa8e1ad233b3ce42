/** Interceptors and retries: an interceptor sees one call, whatever attempts it takes; a server sees each of them. */
import { Code, type HedgingPolicy, type Interceptor, type RetryPolicy, RpcError } from "@trunkline/runtime";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const waits = { initialBackoffMs: 1, maxBackoffMs: 1, backoffMultiplier: 1 };
const retry: RetryPolicy = { ...waits, maxAttempts: 3, codes: [Code.UNAVAILABLE] };
const hedging: HedgingPolicy = { maxAttempts: 3, hedgingDelayMs: 60_000, nonFatalCodes: [Code.UNAVAILABLE] };

describe.each(transports)("attempts and interceptors on $name", ({ transport }) => {
  /** Fails two attempts, and then answers; tells what each of them brought along. */
  async function startFailing(serverLog: string[]) {
    let attempts = 0;
    const see: Interceptor = (next) => (call) => {
      serverLog.push(`${call.metadata.get("x-from")} ${call.metadata.get("grpc-previous-rpc-attempts")}`);
      return next(call);
    };
    const answer = () => {
      if (++attempts % 3 !== 0) throw new RpcError(Code.UNAVAILABLE, "not yet");
    };
    return startKinds(
      transport,
      {
        unary(request) {
          answer();
          return request;
        },
        async *bidiStream(requests) {
          const all = await collect(requests);
          answer();
          yield* all;
        },
      },
      { interceptors: [see] },
    );
  }

  test.each<[string, RetryPolicy | HedgingPolicy]>([
    ["retries", retry],
    ["hedging", hedging],
  ])(
    "%s: one call at the client, each attempt at the server, all with what an interceptor has added",
    async (_what, policy) => {
      const [seen, serverLog]: [string[], string[]] = [[], []];
      const { dial } = await startFailing(serverLog);
      let runs = 0;
      const once: Interceptor = (next) => (call) => {
        call.metadata.set("x-from", `run ${++runs}`);
        const reply = next(call);
        void reply.status.then(({ code }) => seen.push(`ended ${code}`));
        return reply;
      };
      const client = dial({ interceptors: [once], retry: policy });
      await expect(client.unary({ text: "at last" })).resolves.toMatchObject({ text: "at last" });
      expect(seen).toEqual(["ended 0"]);
      expect(serverLog).toEqual(["run 1 undefined", "run 1 1", "run 1 2"]);
    },
  );

  test("a stream of requests that an interceptor changes is changed once, and sent again as changed", async () => {
    const { dial } = await startFailing([]);
    const changed: string[] = [];
    const shout: Interceptor = (next) => (call) => {
      const requests = call.requests as AsyncIterable<Note>;
      call.requests = (async function* () {
        for await (const { text } of requests) {
          changed.push(text);
          yield { text: text.toUpperCase() };
        }
      })();
      return next(call);
    };
    const client = dial({ interceptors: [shout], retry });
    const requests = async function* () {
      yield { text: "a" };
      yield { text: "b" };
    };
    const echoed = await collect(client.bidiStream(requests()));
    expect(echoed.map(({ text }) => text)).toEqual(["A", "B"]);
    expect(changed).toEqual(["a", "b"]);
  });
});
