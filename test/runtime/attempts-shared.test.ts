/** What the attempts of a call share: its deadline, of which each has what is left, and its metadata. */
import { type AttemptPolicy, Code, Metadata, RpcError } from "@trunkline/runtime";
import { event, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const waits = { initialBackoffMs: 100, maxBackoffMs: 100, backoffMultiplier: 1 };
const policies: [string, AttemptPolicy][] = [
  ["retries", { ...waits, maxAttempts: 3, codes: [Code.UNAVAILABLE] }],
  ["hedging", { maxAttempts: 3, hedgingDelayMs: 100, nonFatalCodes: [Code.UNAVAILABLE] }],
];

describe.each(transports)("attempts on $name", ({ transport }) => {
  describe.each(policies)("of %s", (what, retry) => {
    test("each have what is left of the call's time", async () => {
      const left: number[] = [];
      const { client, dial } = await startKinds(transport, {
        clientStream: () => ({}),
        async unary(_request, call) {
          const last = left.push(call.timeLeftMs()) === 3;
          if (last) return {};
          // Retries begin after a failure; hedges while the others are out.
          if (what === "retries") throw new RpcError(Code.UNAVAILABLE, "not yet");
          return new Promise<never>(() => {});
        },
      });
      await client.clientStream([]); // There is a connection: what waits for one would leave at the same time.
      await dial({ retry }).unary({}, { timeoutMs: 60_000 });
      expect(left).toHaveLength(3);
      expect(left[0]).toBeLessThanOrEqual(60_001);
      expect(left[1]).toBeLessThan(left[0]!);
      expect(left[2]).toBeLessThan(left[1]!);
      expect(left[2]).toBeGreaterThan(50_000);
    });

    test("end with the call at its deadline", async () => {
      const ended: Promise<void>[] = [];
      const { dial, channel } = await startKinds(transport, {
        unary(_request, call) {
          const end = event();
          ended.push(end.happened);
          call.signal.addEventListener("abort", () => end.happen());
          if (what === "retries" && ended.length === 1) throw new RpcError(Code.UNAVAILABLE, "not yet");
          return new Promise<never>(() => {});
        },
      });
      const reply = dial({ retry }).unary({}, { timeoutMs: 500 });
      await expect(reply).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      await Promise.all(ended);
      expect(ended).toHaveLength(what === "retries" ? 2 : 3);
      expect(channel.stats).toMatchObject({ inFlight: 0 });
    });

    test("leave the caller's metadata as it is", async () => {
      const seen: (string | undefined)[] = [];
      const { dial } = await startKinds(transport, {
        unary(_request, call) {
          seen.push(call.metadata.get("grpc-previous-rpc-attempts"));
          if (seen.length % 3 !== 0) throw new RpcError(Code.UNAVAILABLE, "not yet");
          return {};
        },
      });
      const metadata = new Metadata({ "x-mine": "1" });
      const client = dial({ retry });
      await client.unary({}, { metadata });
      await client.unary({}, { metadata });
      expect([...metadata]).toEqual([["x-mine", "1"]]);
      expect(seen).toEqual([undefined, "1", "2", undefined, "1", "2"]);
    });
  });
});
