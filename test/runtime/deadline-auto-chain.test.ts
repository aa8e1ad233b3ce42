/** A chain of services of which none names its parent: A → B → C → D with `propagate: "auto"`. */
import { setTimeout as sleep } from "node:timers/promises";
import { Code, type Interceptor, type RpcError, type ServerCall } from "@trunkline/runtime";
import { collect, event, type Kinds, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

interface Chain {
  readonly a: Kinds;
  readonly all: readonly Kinds[];
  /** What each server had left when its handler began, from A on. */
  readonly left: number[];
  readonly started: Promise<void>;
  /** Servers in the order in which their calls were cancelled, and with what. */
  readonly cancelled: string[];
  /** Resolves when the handlers of all four have ended. */
  readonly ended: Promise<unknown>;
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });

/** In every other server the call of the next is made by an interceptor's doing or behind one. */
const pass: Interceptor = (next) => async (call) => next(call);

async function startChain(transport: Parameters<typeof startKinds>[0], kind: "unary" | "serverStream"): Promise<Chain> {
  const left: number[] = [];
  const cancelled: string[] = [];
  const started = event();
  const ends: Promise<unknown>[] = [];
  const all: Kinds[] = [];
  for (const name of ["D", "C", "B", "A"]) {
    const inner = all[0];
    const end = event();
    ends.push(end.happened);
    const work = async (call: ServerCall) => {
      left.push(call.timeLeftMs());
      call.signal.addEventListener("abort", () => {
        cancelled.push(`${name} ${(call.signal.reason as RpcError).message.split(":")[0]}`);
      });
      await sleep(5); // Its work, longer than what the wire rounds a deadline by.
      if (inner === undefined) {
        started.happen();
        await aborted(call.signal);
        return;
      }
      if (kind === "unary") await inner.client.unary({});
      else await collect(inner.client.serverStream({}));
    };
    const interceptors = name === "B" || name === "D" ? [pass] : [];
    const next = await startKinds(
      transport,
      {
        unary: (_request, call) =>
          work(call)
            .then(() => ({}))
            .finally(end.happen),
        async *serverStream(_request, call) {
          try {
            await work(call);
            yield {};
          } finally {
            end.happen();
          }
        },
      },
      { propagate: "auto", interceptors },
    );
    all.unshift(next);
  }
  return { a: all[0]!, all, left, started: started.happened, cancelled, ended: Promise.all(ends) };
}

describe.each(transports)("a chain that inherits by itself on $name", ({ transport }) => {
  const start = async (kind: "unary" | "serverStream", { client }: Kinds, options: object) =>
    kind === "unary" ? client.unary({}, options) : collect(client.serverStream({}, options));

  test.each(["unary", "serverStream"] as const)(
    "%s: the deadline shrinks, and one cancel ends all four",
    async (kind) => {
      const { a, all, left, started, cancelled, ended } = await startChain(transport, kind);
      const controller = new AbortController();
      const reply = start(kind, a, { timeoutMs: 60_000, signal: controller.signal });
      reply.catch(() => {});
      await started;
      controller.abort();
      await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
      await ended;
      expect(cancelled).toEqual(["A CANCELLED", "B CANCELLED", "C CANCELLED", "D CANCELLED"]);
      expect(left).toHaveLength(4);
      expect(left[0]).toBeLessThanOrEqual(60_001);
      for (let i = 1; i < left.length; i++) expect(left[i]).toBeLessThan(left[i - 1]!);
      expect(left[3]).toBeGreaterThan(50_000);
      for (const { channel } of all) expect(channel.stats).toMatchObject({ inFlight: 0, queued: 0 });
    },
  );

  test.each(["unary", "serverStream"] as const)("%s: the deadline of A ends all four", async (kind) => {
    const { a, all, cancelled, ended } = await startChain(transport, kind);
    await expect(start(kind, a, { timeoutMs: 500 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await ended;
    expect(cancelled.map((line) => line[0]).sort()).toEqual(["A", "B", "C", "D"]);
    for (const { channel } of all) expect(channel.stats).toMatchObject({ inFlight: 0, queued: 0 });
  });
});
