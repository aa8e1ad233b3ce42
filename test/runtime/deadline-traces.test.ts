/** What a call leaves behind once it has ended: no timer of its deadline, and no listener on what could cancel it. */
import { getEventListeners } from "node:events";
import { type CallOptions, Code, type Interceptor, RpcError } from "@trunkline/runtime";
import { holds } from "../connection/proxied.js";
import { collect, event, type Kinds, startKinds, stopKinds } from "./kinds.js";
import { transports } from "./transports.js";

afterEach(stopKinds);

const hour = 3_600_000;
const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

type Kind = "unary" | "clientStream" | "serverStream" | "bidiStream";
const kinds: readonly Kind[] = ["unary", "clientStream", "serverStream", "bidiStream"];

function call({ client }: Kinds, kind: Kind, text: string, options: CallOptions): Promise<unknown> {
  if (kind === "unary") return client.unary({ text }, options);
  if (kind === "clientStream") return client.clientStream([{ text }], options);
  if (kind === "serverStream") return collect(client.serverStream({ text }, options));
  return collect(client.bidiStream([{ text }], options));
}

/** Answers "works", fails "fails", and never ends "waits"; looks at its signal, so that it follows the deadline. */
async function startAnswering(
  transport: Parameters<typeof startKinds>[0],
  interceptors: Interceptor[],
): Promise<{ readonly kinds: Kinds; readonly waits: { started: ReturnType<typeof event<void>> } }> {
  const waits = { started: event() };
  const answer = async (text: string | undefined, signal: AbortSignal) => {
    if (text === "fails") throw new RpcError(Code.NOT_FOUND, "as told");
    if (text === "works") return {};
    waits.started.happen();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    return {};
  };
  const first = async (requests: AsyncIterable<{ readonly text: string }>) => (await collect(requests))[0]?.text;
  const started = await startKinds(
    transport,
    {
      unary: ({ text }, { signal }) => answer(text, signal),
      clientStream: async (requests, { signal }) => answer(await first(requests), signal),
      async *serverStream({ text }, { signal }) {
        yield await answer(text, signal);
      },
      async *bidiStream(requests, { signal }) {
        yield await answer(await first(requests), signal);
      },
    },
    { interceptors },
  );
  return { kinds: started, waits };
}

const later: Interceptor = (next) => async (one) => next(one);
const chains: [string, Interceptor[]][] = [
  ["without interceptors", []],
  ["with interceptors", [later, (next) => (one) => next(one).map((message) => message), later]],
];

describe.each(transports)("on $name", ({ transport }) => {
  describe.each(chains)("%s", (_what, interceptors) => {
    test.each(kinds)("no timer outlives a %s call, however it ends", async (kind) => {
      const { kinds: served, waits } = await startAnswering(transport, interceptors);
      await call(served, kind, "works", {}); // There is a connection, with whatever timers it has.
      const before = timers();
      const options = { timeoutMs: hour, interceptors };
      for (let i = 0; i < 5; i++) {
        await call(served, kind, "works", options);
        await expect(call(served, kind, "fails", options)).rejects.toMatchObject({ code: Code.NOT_FOUND });
        const controller = new AbortController();
        waits.started = event();
        const waiting = call(served, kind, "waits", { ...options, signal: controller.signal });
        await waits.started.happened;
        expect(timers()).toBeGreaterThan(before); // What would be left is seen here.
        controller.abort();
        await expect(waiting).rejects.toMatchObject({ code: Code.CANCELLED });
      }
      await holds(() => timers() <= before);
    });

    test.each(kinds)("no listener outlives a %s call, on its signal or on its parent's", async (kind) => {
      const { kinds: inner } = await startAnswering(transport, interceptors);
      const { signal } = new AbortController();
      const left = event<[own: number, parents: number]>();
      const outer = await startKinds(transport, {
        async unary(_request, parent) {
          const before = listeners(parent.signal);
          for (const cancelling of [{ signal }, { parent }, { signal, parent }]) {
            const options = { timeoutMs: hour, interceptors, ...cancelling };
            await call(inner, kind, "works", options);
            await call(inner, kind, "fails", options).catch(() => {});
          }
          // What an interceptor has yet to let go of it does in a later turn.
          await new Promise(setImmediate);
          left.happen([listeners(signal), listeners(parent.signal) - before]);
          return {};
        },
      });
      await outer.client.unary({}, { timeoutMs: hour });
      expect(await left.happened).toEqual([0, 0]);
    });
  });

  test("a call that waits for its next attempt leaves no timer when it is cancelled", async () => {
    const failed = event();
    const { client, dial } = await startKinds(transport, {
      unary() {
        failed.happen();
        throw new RpcError(Code.UNAVAILABLE, "not now");
      },
      clientStream: () => ({}),
    });
    await client.clientStream([]);
    const before = timers();
    const retry = {
      maxAttempts: 2,
      initialBackoffMs: hour,
      maxBackoffMs: hour,
      backoffMultiplier: 1,
      codes: [Code.UNAVAILABLE],
    };
    const controller = new AbortController();
    const waiting = dial({ retry }).unary({}, { signal: controller.signal });
    await failed.happened;
    await holds(() => timers() > before);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: Code.CANCELLED });
    await holds(() => timers() <= before);
  });
});
