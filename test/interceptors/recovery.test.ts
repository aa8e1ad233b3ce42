/** `recovery`: what breaks inside a server becomes an answer, and somebody hears of it. */
import { setTimeout as delay } from "node:timers/promises";
import { Code, type Interceptor, RpcError, type ServerCall } from "@trunkline/runtime";
import { recovery } from "@trunkline/runtime/interceptors/recovery";
import type { KindsClient, KindsServer } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

const secret = new TypeError("secret");
const broken: Partial<KindsServer> = {
  unary: () => {
    throw secret;
  },
  // biome-ignore lint/correctness/useYield: it throws before.
  async *serverStream() {
    throw secret;
  },
  clientStream: async () => {
    throw secret;
  },
  async *bidiStream() {
    yield { text: "first" };
    throw secret;
  },
};

const calls: [string, (client: KindsClient) => Promise<unknown>][] = [
  ["unary", (client) => client.unary({})],
  ["serverStream", (client) => collect(client.serverStream({}))],
  ["clientStream", (client) => client.clientStream([])],
  ["bidiStream", (client) => collect(client.bidiStream([]))],
];

/** Does something wrong before the handler can. */
const throwing: Interceptor = () => () => {
  throw secret;
};
const rejecting: Interceptor = () => async () => {
  throw secret;
};

describe.each(transports)("recovery on $name", ({ transport }) => {
  describe.each<[string, Interceptor[]]>([
    ["a handler", []],
    ["an interceptor that throws at once", [throwing]],
    ["an interceptor that throws later", [rejecting]],
  ])("from %s", (_what, inside) => {
    test.each(calls)("%s: INTERNAL, nothing leaks, reported once", async (_kind, start) => {
      const reported: unknown[] = [];
      const onError: unknown[] = [];
      const codes: Code[] = [];
      const outside: Interceptor = (next) => (call) => {
        const reply = next(call);
        reply.status.then(({ code }) => codes.push(code));
        return reply;
      };
      const report = (thrown: unknown, call: { method: { name: string } }) => reported.push([thrown, call.method.name]);
      const { client } = await startKinds(transport, broken, {
        interceptors: [outside, recovery({ report }), ...inside],
        onError: (error) => onError.push(error),
      });
      const error: RpcError = await start(client).then(
        () => expect(true).toBe("a failure"),
        (thrown) => thrown,
      );
      expect(error.code).toBe(Code.INTERNAL);
      expect(error.details).not.toMatch(/secret/);
      expect(reported).toEqual([[secret, error.method?.split("/")[2]]]);
      expect(onError).toEqual([]);
      expect(codes).toEqual([Code.INTERNAL]);
    });
  });

  test("the answer is the user's choice; an RpcError is one already", async () => {
    const reported: unknown[] = [];
    const { client } = await startKinds(
      transport,
      {
        unary({ text }) {
          if (text === "rpc") throw new RpcError(Code.NOT_FOUND, "gone");
          throw secret;
        },
      },
      {
        interceptors: [
          recovery({
            report: (thrown) => reported.push(thrown),
            answer: (thrown) => new RpcError(Code.DATA_LOSS, (thrown as Error).name, { cause: thrown }),
          }),
        ],
      },
    );
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.DATA_LOSS, details: "TypeError" });
    await expect(client.unary({ text: "rpc" })).rejects.toMatchObject({ code: Code.NOT_FOUND, details: "gone" });
    expect(reported).toEqual([secret]);
  });

  test("hooks that throw do not take the answer with them", async () => {
    const { error } = console;
    let printed = 0;
    console.error = () => {
      printed++;
    };
    const fail = () => {
      throw new Error("hook");
    };
    const interceptors = [recovery({ report: fail, answer: fail })];
    const { client } = await startKinds(transport, broken, { interceptors });
    try {
      await expect(client.unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
    } finally {
      console.error = error;
    }
    expect(printed).toBe(2);
  });

  test("hooks that fail later are printed, and harm nobody", async () => {
    const { error } = console;
    const printed: string[] = [];
    const twice = event();
    console.error = (...values) => {
      if (printed.push(String(values)) === 2) twice.happen();
    };
    const fail = (async () => {
      throw new Error("hook");
    }) as never;
    const interceptors = [recovery({ report: fail, answer: fail })];
    const { client } = await startKinds(transport, broken, { interceptors });
    try {
      await expect(client.unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
      await twice.happened;
    } finally {
      console.error = error;
    }
    for (const line of printed) expect(line).toMatch(/recovery\(\).*hook/);
  });

  test.each<[string, (client: KindsClient, signal: AbortSignal) => Promise<unknown>]>([
    ["unary", (client, signal) => client.unary({}, { signal })],
    ["serverStream", (client, signal) => collect(client.serverStream({}, { signal }))],
  ])("a %s handler that stops because its caller has gone has not failed", async (_kind, start) => {
    const reported: unknown[] = [];
    const [started, ended] = [event(), event<Code>()];
    const outside: Interceptor = (next) => (call) => {
      const reply = next(call);
      reply.status.then(({ code }) => ended.happen(code));
      return reply;
    };
    const work = (call: ServerCall) => {
      started.happen();
      return delay(60_000, undefined, { signal: call.signal });
    };
    const { client } = await startKinds(
      transport,
      {
        unary: (_request, call) => work(call).then(() => ({})),
        // biome-ignore lint/correctness/useYield: it never gets that far.
        async *serverStream(_request, call) {
          await work(call);
        },
      },
      { interceptors: [outside, recovery({ report: (thrown) => reported.push(thrown) })] },
    );
    const controller = new AbortController();
    const reply = start(client, controller.signal);
    await started.happened;
    controller.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(await ended.happened).toBe(Code.CANCELLED);
    expect(reported).toEqual([]);
  });

  test("what works is passed on whole: headers, messages, trailers", async () => {
    const { client } = await startKinds(
      transport,
      {
        unary({ text }, call) {
          call.sendHeaders({ "x-from": "head" });
          call.trailers.set("x-from", "tail");
          return { text };
        },
        async *serverStream({ text }) {
          yield { text };
          yield { text };
        },
      },
      { interceptors: [recovery()] },
    );
    const seen: (string | undefined)[] = [];
    const options = {
      onHeaders: (headers: { get(key: string): string | undefined }) => seen.push(headers.get("x-from")),
      onTrailers: (trailers: { get(key: string): string | undefined }) => seen.push(trailers.get("x-from")),
    };
    await expect(client.unary({ text: "x" }, options)).resolves.toMatchObject({ text: "x" });
    expect(seen).toEqual(["head", "tail"]);
    await expect(collect(client.serverStream({ text: "x" }))).resolves.toHaveLength(2);
  });
});
