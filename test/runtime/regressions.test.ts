/** A test for each fault that was found by acting the user, and mended. */
import { once } from "node:events";
import {
  Code,
  dial,
  type HedgingPolicy,
  type Interceptor,
  Reply,
  RpcError,
  Server,
  sender,
  statusDetail,
} from "@trunkline/runtime";
import {
  KindsDesc,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "./kinds.js";
import { transports, wireTransports } from "./transports.js";

afterEach(stopKinds);
const detail = (bytes: number) => statusDetail(KindsDesc.methods.unary.request, { data: new Uint8Array(bytes) });

describe.each(wireTransports)("deadline on $name", ({ transport }) => {
  test.each([1e8, 2 ** 31, 1e15, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE])(
    "a call may have %d ms",
    async (timeoutMs) => {
      const { client } = await startKinds(transport, { unary: () => ({ text: "ok" }) });
      for (let i = 0; i < 20; i++) await expect(client.unary({}, { timeoutMs })).resolves.toMatchObject({ text: "ok" });
    },
  );
  test("a deadline that an interceptor sets to no time is INVALID_ARGUMENT", async () => {
    const { dial: more } = await startKinds(transport, { unary: () => ({}) });
    const bad: Interceptor = (next) => (call) => {
      call.deadline = new Date(Number.NaN);
      return next(call);
    };
    await expect(more({ interceptors: [bad] }).unary({})).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });
});

describe.each(transports)("interceptor on $name", ({ transport }) => {
  const never = new Promise<never>(() => {});
  const stuck: [string, Interceptor][] = [
    ["Reply.of", () => () => Reply.of(never)],
    [
      "Reply.stream",
      () => () =>
        Reply.stream(
          (async function* () {
            yield await never;
          })(),
        ),
    ],
    ["map", (next) => (call) => next(call).map(() => never)],
  ];
  test.each(stuck)(
    "deadline and signal hold although %s never answers",
    async (_what, interceptor) => {
      const { dial: more } = await startKinds(transport, { unary: () => ({}), serverStream: () => [{}] });
      const client = more({ interceptors: [interceptor] });
      const late = { code: Code.DEADLINE_EXCEEDED };
      await expect(client.unary({}, { timeoutMs: 50 })).rejects.toMatchObject(late);
      await expect(collect(client.serverStream({}, { timeoutMs: 50 }))).rejects.toMatchObject(late);
      const signal = AbortSignal.timeout(50);
      await expect(client.unary({}, { signal })).rejects.toMatchObject({ code: Code.CANCELLED });
    },
    2000,
  );
  test("a deadline that an interceptor moves holds inside of it, and whoever stands outside hears of the end", async () => {
    const { dial: more } = await startKinds(transport, { unary: () => ({}) });
    const ends: number[] = [];
    const watch: Interceptor = (next) => (call) => {
      const reply = next(call);
      void reply.status.then(({ code }) => ends.push(code));
      return reply;
    };
    const move: Interceptor = (next) => (call) => {
      call.deadline = new Date(Date.now() + 50);
      return next(call);
    };
    for (const inner of [() => async () => never, () => () => Reply.of(never)] as Interceptor[]) {
      const call = more({ interceptors: [watch, move, inner] }).unary({});
      await expect(call).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    }
    expect(ends).toEqual([Code.DEADLINE_EXCEEDED]);
  });

  test("the status of a reply that an inner interceptor maps comes without reading its message", async () => {
    const { dial: more } = await startKinds(transport, { unary: () => ({ text: "ok" }) });
    const look: Interceptor = (next) => async (call) => {
      const reply = next(call);
      await reply.status;
      return reply;
    };
    const client = more({ interceptors: [look, (next) => (call) => next(call).map((message) => message)] });
    await expect(client.unary({})).resolves.toMatchObject({ text: "ok" });
  }, 2000);
  test.each([[undefined], [5], ["x"], [null]])("%p in the list is INVALID_ARGUMENT, everywhere", async (one) => {
    const { client, dial: more } = await startKinds(transport, { unary: () => ({}) });
    const interceptors = [one as never];
    const expected = expect.objectContaining({ code: Code.INVALID_ARGUMENT });
    expect(() => more({ interceptors })).toThrow(expected);
    await expect(client.unary({}, { interceptors })).rejects.toEqual(expected);
    expect(() => registerKindsServer(new Server({ interceptors }), new UnimplementedKindsServer())).toThrow(expected);
  });
  test("many calls on one signal, or of one parent, warn of nothing", async () => {
    const warned: unknown[] = [];
    const listen = (warning: Error) => warned.push(warning.name);
    process.on("warning", listen);
    const inner = await startKinds(transport, { unary: () => ({}) });
    const outer = await startKinds(transport, {
      async unary(_request, parent) {
        await Promise.all(Array.from({ length: 20 }, () => inner.client.unary({}, { parent })));
        return {};
      },
    });
    await outer.client.unary({});
    await new Promise(setImmediate);
    process.off("warning", listen);
    expect(warned).toEqual([]);
  });
});

describe.each(wireTransports)("errors on $name", ({ transport }) => {
  test.each<[string, () => RpcError]>([
    ["a text of 200 kB", () => new RpcError(Code.NOT_FOUND, "x".repeat(200_000))],
    ["details of 100 kB", () => new RpcError(Code.NOT_FOUND, "x", { statusDetails: [detail(100_000)] })],
  ])("%s reaches the caller as an error, and leaves the connection alone", async (_what, error) => {
    const { client } = await startKinds(transport, {
      unary({ text }) {
        if (text === "fails") throw error();
        return { text: "ok" };
      },
    });
    const failed = client.unary({ text: "fails" }, { timeoutMs: 1000 });
    await expect(failed).rejects.toMatchObject({ code: Code.NOT_FOUND });
    await expect(client.unary({}, { timeoutMs: 1000 })).resolves.toMatchObject({ text: "ok" });
  });
  test("an error whose text is none (from code without types) is an answer, and the process lives on", async () => {
    const { client } = await startKinds(transport, {
      unary() {
        throw new RpcError(Code.NOT_FOUND, undefined as never);
      },
    });
    await expect(client.unary({}, { timeoutMs: 1000 })).rejects.toMatchObject({ code: Code.NOT_FOUND });
  });
});

describe.each(wireTransports)("attempts on $name", ({ transport }) => {
  test("a hedge that cannot begin any more leaves the attempt that is out alone", async () => {
    const [started, second, goOn] = [event(), event(), event()];
    const { dial: more, channel } = await startKinds(transport, {
      async unary() {
        started.happen();
        await goOn.happened;
        return { text: "first" };
      },
    });
    const retry: HedgingPolicy = { maxAttempts: 2, hedgingDelayMs: 50, nonFatalCodes: [Code.UNAVAILABLE] };
    const reply = more({ retry }).unary({});
    await started.happened;
    const closed = channel.close({ graceMs: 5000 });
    setTimeout(second.happen, 100);
    await second.happened;
    goOn.happen();
    await expect(reply).resolves.toMatchObject({ text: "first" });
    await closed;
  });
});
void [once, dial, kindsClient];

const wirePairs = wireTransports.flatMap(({ transport: server }) =>
  wireTransports.map(({ transport: client }) => ({ client, server })),
);

describe.each(wirePairs)("requests at a server on $server, of a client on $client", ({ client, server }) => {
  test("do not end as if they were whole where their call is cancelled", async () => {
    const arrived = event();
    const read = event<unknown>();
    const { address } = await startKinds(server, {
      async clientStream(requests) {
        try {
          for await (const _ of requests) arrived.happen();
          read.happen("all of them");
        } catch (error) {
          read.happen(error);
        }
        return {};
      },
    });
    // node:http2, and so a client on grpc-js, ends the requests of a call before it resets it.
    const channel = dial(address, { transport: client });
    const caller = new AbortController();
    const requests = sender<object>();
    const reply = kindsClient(channel).clientStream(requests, { signal: caller.signal });
    await requests.send({});
    await arrived.happened;
    caller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    await expect(read.happened).resolves.toMatchObject({ code: Code.CANCELLED });
    await channel.close();
  });
});
