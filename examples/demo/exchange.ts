/** The server's side of the demo: an implementation of the generated `ExchangeServer`. */
import { Code, RpcError, type ServerCall } from "@trunkline/runtime";
import type { ExchangeServer } from "./gen/demo/v1/exchange_grpc.js";

const sounds = ["click", "hum", "a distant voice", "rain on the wire"];

/** Notes every connection that a call came in on. */
export function exchange(connections: Set<string>): ExchangeServer {
  const note = (call: ServerCall) => connections.add(call.peer.address);
  return {
    async ring({ caller, callee }, call) {
      note(call);
      if (callee === "nobody") throw new RpcError(Code.NOT_FOUND, "there is no such subscriber");
      if (callee === "the moon") await untilAborted(call.signal);
      const now = BigInt(Date.now());
      return {
        answer: `${callee} says: good day, ${caller}`,
        answeredAt: { seconds: now / 1000n, nanos: Number(now % 1000n) * 1_000_000 },
      };
    },

    async *listen({ seconds }, call) {
      note(call);
      for (let i = 0; i < seconds; i++) yield { sound: sounds[i % sounds.length]!, sequence: 2n ** 53n + BigInt(i) };
    },

    async dictate(words, call) {
      note(call);
      const telegram: string[] = [];
      for await (const { word } of words) telegram.push(word);
      return { telegram: telegram.join(" ").toUpperCase(), pence: 6n + BigInt(telegram.length) };
    },

    async *talk(utterances, call) {
      note(call);
      for await (const { kind } of utterances) {
        if (kind?.$case === "hangUp") return;
        yield { kind: { $case: "words", value: `"${kind?.value}", you say?` } };
      }
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
