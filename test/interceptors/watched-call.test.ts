/** `watchCall`: what logging, metrics, tracing and limits hear of a call. */
import { Code, type Interceptor, RpcError } from "@trunkline/runtime";
import { timeout } from "@trunkline/runtime/interceptors/timeout";
import type { KindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { watchCall } from "../../runtime/src/watched-call.js";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

/** Writes down what it hears, and tells of the end. */
function witness() {
  const heard: string[] = [];
  const ended = event<unknown>();
  const interceptor: Interceptor = (next) => (call) =>
    watchCall(call, next, {
      sent: () => heard.push("sent"),
      received: () => heard.push("received"),
      ended({ code }, thrown) {
        heard.push(`ended ${code}`);
        ended.happen(thrown);
      },
    });
  return { heard, ended: ended.happened, interceptor };
}

const methods = {
  unary: () => ({}),
  serverStream: () => [{}, {}],
  async clientStream(requests: AsyncIterable<unknown>) {
    await collect(requests);
    return {};
  },
  async *bidiStream(requests: AsyncIterable<unknown>) {
    for await (const _ of requests) yield {};
  },
};

const kinds: [string, (client: KindsClient) => Promise<unknown>, number, number][] = [
  ["unary", (client) => client.unary({}), 1, 1],
  ["serverStream", (client) => collect(client.serverStream({})), 1, 2],
  ["clientStream", (client) => client.clientStream([{}, {}]), 2, 1],
  ["bidiStream", (client) => collect(client.bidiStream([{}, {}])), 2, 2],
];

describe.each(transports)("watchCall on $name", ({ transport }) => {
  describe.each(["client", "server"])("at a %s", (side) => {
    test.each(kinds)("%s: every message, and then the end, once", async (_kind, start, requests, responses) => {
      const { heard, ended, interceptor } = witness();
      const { dial } = await startKinds(transport, methods, side === "server" ? { interceptors: [interceptor] } : {});
      await start(dial(side === "client" ? { interceptors: [interceptor] } : {}));
      await ended;
      const [sent, received] = side === "client" ? [requests, responses] : [responses, requests];
      expect(heard.filter((what) => what === "sent")).toHaveLength(sent);
      expect(heard.filter((what) => what === "received")).toHaveLength(received);
      expect(heard.at(-1)).toBe("ended 0");
      expect(heard).toHaveLength(sent + received + 1);
    });
  });

  test("a stream that is over before its caller begins to read it: messages first, and the caller gets all", async () => {
    const { heard, ended, interceptor } = witness();
    const { dial } = await startKinds(transport, methods);
    const stream = dial({ interceptors: [interceptor] }).serverStream({});
    expect(await ended).toBeUndefined();
    const complete = ["sent", "received", "received", "ended 0"];
    expect(heard).toEqual(complete);
    expect(await collect(stream)).toHaveLength(2);
    expect(heard).toEqual(complete);
  });

  test("a stream that fails before its caller begins to read it: it is told, and the caller gets the same", async () => {
    const { heard, ended, interceptor } = witness();
    const { dial } = await startKinds(transport, {
      async *serverStream() {
        yield {};
        throw new RpcError(Code.ABORTED, "no");
      },
    });
    const stream = dial({ interceptors: [interceptor] }).serverStream({});
    expect(await ended).toMatchObject({ code: Code.ABORTED, peer: expect.any(String) });
    const complete = ["sent", "received", `ended ${Code.ABORTED}`];
    expect(heard).toEqual(complete);
    const texts: unknown[] = [];
    const reading = (async () => {
      for await (const message of stream) texts.push(message);
    })();
    await expect(reading).rejects.toMatchObject({ code: Code.ABORTED });
    expect([texts.length, heard]).toEqual([1, complete]);
  });

  test("a reader that stops in the middle, without leaving, keeps nobody from hearing of the end", async () => {
    const { heard, ended, interceptor } = witness();
    const { dial } = await startKinds(transport, methods);
    const reader = dial({ interceptors: [interceptor] })
      .serverStream({})
      [Symbol.asyncIterator]();
    await reader.next();
    await ended;
    expect(heard).toEqual(["sent", "received", "received", "ended 0"]);
    await reader.return?.();
    expect(await reader.next()).toMatchObject({ done: true });
  });

  test("the end of a server's call says what its caller heard, where the caller heard something else", async () => {
    const { heard, ended, interceptor } = witness();
    const { client } = await startKinds(
      transport,
      {
        unary: (_request, call) =>
          new Promise((_resolve, reject) => {
            call.signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
          }),
      },
      { interceptors: [timeout(50), interceptor] },
    );
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await ended;
    expect(heard).toEqual(["received", `ended ${Code.DEADLINE_EXCEEDED}`]);
  });
});
