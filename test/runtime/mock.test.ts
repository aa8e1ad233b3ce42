/** Mocks of clients, written against generated tables as the plugin emits them. */
import { AsyncLocalStorage } from "node:async_hooks";
import { jest } from "@jest/globals";
import {
  type Call,
  type CallOptions,
  Code,
  connections,
  Metadata,
  type Next,
  type Reply,
  RpcError,
  type ServerCall,
  sender,
  statusDetail,
} from "@trunkline/runtime";
import { MockService } from "@trunkline/runtime/mock";
import { KindsDesc as EsKindsDesc } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_grpc.js";
import { type DeepPartial, Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { servers } from "../../runtime/src/server/servers.js";
import { tsProto } from "../../runtime/src/ts-proto.js";
import { node } from "../node.js";
import { collect, event } from "./kinds.js";
import { type MockEsKindsClient, type MockKindsClient, mockEsKindsClient, mockKindsClient } from "./mock-kinds.js";

const whole = (text: string) => ({ text, number: 0n, data: new Uint8Array() });
const textOf = ({ text }: { text: string }) => text;
const texts = async (messages: AsyncIterable<{ text: string }>) => (await collect(messages)).map(textOf);
const notFound = new RpcError(Code.NOT_FOUND, "nobody");

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe.each([
  { library: "ts-proto", make: mockKindsClient as () => MockKindsClient | MockEsKindsClient },
  { library: "protobuf-es", make: mockEsKindsClient },
])("messages of $library, as on a wire", ({ make }) => {
  // Both have the shapes that matter here; what each alone has is in the rows of types below.
  const mock = () => make() as MockKindsClient;

  test("unary: what is partial becomes whole, both ways", async () => {
    const { unary } = mock();
    unary.answer({ text: "pong" });
    expect(await unary({ text: "ping" })).toMatchObject(whole("pong"));
    expect(unary.calls).toHaveLength(1);
    expect(unary.calls[0]!.request).toMatchObject(whole("ping"));
  });

  test("server stream", async () => {
    const { serverStream } = mock();
    serverStream.answer([{ text: "a" }, { number: 2n }]);
    expect(await collect(serverStream({ text: "list" }))).toMatchObject([whole("a"), { text: "", number: 2n }]);
    expect(serverStream.calls[0]!.request).toMatchObject(whole("list"));
  });

  test("client stream: the answer comes when the requests have ended, and all of them are there", async () => {
    const { clientStream } = mock();
    clientStream.answer({ text: "thanks" });
    expect(await clientStream([{ text: "a" }, { text: "b" }, {}])).toMatchObject(whole("thanks"));
    expect(clientStream.calls[0]!.requests).toMatchObject([whole("a"), whole("b"), whole("")]);
  });

  test("both ways: a list is sent, and every request is there at the end", async () => {
    const { bidiStream } = mock();
    bidiStream.answer([{ text: "x" }, { text: "y" }]);
    const requests = Array.from({ length: 100 }, (_, i) => ({ text: `${i}` }));
    expect(await texts(bidiStream(requests))).toEqual(["x", "y"]);
    expect(bidiStream.calls[0]!.requests).toMatchObject(requests.map(({ text }) => whole(text)));
  });
});

describe("answers", () => {
  test("functions are implementations: they get whole requests, and the call", async () => {
    const { unary, serverStream, clientStream, bidiStream } = mockKindsClient();
    unary.answer(async (request, call) => ({ text: `${request.text} of ${call.method.name}`, data: request.data }));
    expect(await unary({ text: "one" })).toEqual(whole("one of Unary"));
    serverStream.answer(async function* (request) {
      yield { text: `${request.text}1` };
      yield { text: `${request.text}2` };
    });
    expect(await texts(serverStream({ text: "s" }))).toEqual(["s1", "s2"]);
    clientStream.answer(async (requests) => ({ text: (await texts(requests)).join() }));
    expect(await clientStream([{ text: "a" }, { text: "b" }])).toEqual(whole("a,b"));
    expect(clientStream.calls[0]!.requests.map(textOf)).toEqual(["a", "b"]);
    bidiStream.answer(async function* (requests) {
      for await (const { text } of requests) yield { text: text.toUpperCase() };
    });
    expect(await texts(bidiStream([{ text: "c" }, { text: "d" }]))).toEqual(["C", "D"]);
    expect(bidiStream.calls[0]!.requests.map(textOf)).toEqual(["c", "d"]);
  });

  test("once each in their order, failures among them, and then what is said of every call", async () => {
    const { unary } = mockKindsClient();
    unary.answer({ text: "always" }).answerOnce({ text: "first" }).failOnce(notFound);
    unary.answerOnce(() => ({ text: "third" }));
    const calls = Array.from({ length: 5 }, () => unary({}).then(textOf, ({ message }) => message));
    expect(await Promise.all(calls)).toEqual(["first", "NOT_FOUND: nobody", "third", "always", "always"]);
    unary.answer({ text: "changed" });
    expect(await unary({})).toEqual(whole("changed"));
    unary.fail(notFound);
    await expect(unary({})).rejects.toThrow("NOT_FOUND: nobody");
    unary.answerOnce({ text: "in spite of it" });
    expect(await unary({})).toEqual(whole("in spite of it"));
    await expect(unary({})).rejects.toThrow("NOT_FOUND: nobody");
  });

  test("many calls at a time arrive in their order", async () => {
    const { unary } = mockKindsClient();
    const sent = Array.from({ length: 50 }, (_, i) => `${i}`);
    for (const text of sent) unary.answerOnce({ text: `${text}!` });
    const answers = await Promise.all(sent.map((text) => unary({ text })));
    expect(unary.calls.map(({ request }) => request.text)).toEqual(sent);
    expect(answers.map(textOf)).toEqual(sent.map((text) => `${text}!`));
  });

  test("a list answers every call, as does a set; a generator that is there already answers one", async () => {
    const { serverStream } = mockKindsClient();
    serverStream.answer(new Set([{ text: "a" }]));
    expect(await texts(serverStream({}))).toEqual(["a"]);
    expect(await texts(serverStream({}))).toEqual(["a"]);
    serverStream.answerOnce([{ text: "b" }].values());
    expect(await texts(serverStream({}))).toEqual(["b"]);
  });

  test("a stream can be answered as a test goes along", async () => {
    const { serverStream } = mockKindsClient();
    const responses = sender<DeepPartial<Note>>();
    serverStream.answerOnce(responses);
    const received = serverStream({})[Symbol.asyncIterator]();
    const first = received.next();
    await responses.send({ text: "now" });
    expect((await first).value).toEqual(whole("now"));
    responses.close();
    expect((await received.next()).done).toBe(true);
  });

  test("requests can be seen as they come", async () => {
    const { bidiStream } = mockKindsClient();
    bidiStream.answer(async function* (requests) {
      for await (const { text } of requests) yield { text };
    });
    const requests = sender<DeepPartial<Note>>();
    const echoes = bidiStream(requests)[Symbol.asyncIterator]();
    void requests.send({ text: "a" });
    await echoes.next();
    const { requests: seen } = bidiStream.calls[0]!;
    expect(seen.map(textOf)).toEqual(["a"]);
    void requests.send({ text: "b" });
    await echoes.next();
    expect(seen.map(textOf)).toEqual(["a", "b"]);
    requests.close();
    expect((await echoes.next()).done).toBe(true);
  });

  test("a list to a stream both ways comes before the requests have ended, and the call ends with them", async () => {
    const { bidiStream } = mockKindsClient();
    bidiStream.answer([{ text: "early" }]);
    const requests = sender<DeepPartial<Note>>();
    const responses = bidiStream(requests)[Symbol.asyncIterator]();
    expect((await responses.next()).value).toEqual(whole("early"));
    const end = responses.next();
    await requests.send({ text: "late" });
    requests.close();
    expect((await end).done).toBe(true);
    expect(bidiStream.calls[0]!.requests.map(textOf)).toEqual(["late"]);
  });

  test("a function ends a stream both ways when it wants", async () => {
    const { bidiStream } = mockKindsClient();
    bidiStream.answer(() => [{ text: "bye" }]);
    expect(await texts(bidiStream(sender<DeepPartial<Note>>()))).toEqual(["bye"]);
  });

  test("a message that a test changes is answered as it is then", async () => {
    const { unary } = mockKindsClient();
    const answer = { text: "before" };
    unary.answer(answer);
    answer.text = "after";
    expect(await unary({})).toEqual(whole("after"));
  });

  test("without one, calls of every kind fail with a line that says what to write", async () => {
    const { unary, serverStream, clientStream, bidiStream } = mockKindsClient();
    const says = (line: string) => ({ code: Code.UNIMPLEMENTED, details: line });
    await expect(unary({ text: "x" })).rejects.toMatchObject(
      says("the mock of /kinds.v1.Kinds/Unary has no answer: tell it with unary.answer({ … }) or unary.fail(error)"),
    );
    await expect(collect(serverStream({}))).rejects.toMatchObject(
      says(
        "the mock of /kinds.v1.Kinds/ServerStream has no answer: " +
          "tell it with serverStream.answer([{ … }]) or serverStream.fail(error)",
      ),
    );
    await expect(clientStream(sender<DeepPartial<Note>>())).rejects.toThrow("clientStream.answer({ … })");
    await expect(collect(bidiStream(sender<DeepPartial<Note>>()))).rejects.toThrow("bidiStream.answer([{ … }])");
    expect(unary.calls[0]!.request.text).toBe("x");
  });

  test("they do not run on behalf of a call's caller", async () => {
    const storage = new AsyncLocalStorage<string>();
    const { unary } = storage.run("test", mockKindsClient);
    unary.answer(() => ({ text: storage.getStore() ?? "nobody" }));
    expect(await storage.run("first caller", () => unary({}))).toEqual(whole("test"));
    expect(await storage.run("second caller", () => unary({}))).toEqual(whole("test"));
  });

  test("a mistake in a function is a fault of the server, told on stderr as there", async () => {
    const stderr = jest.spyOn(console, "error").mockImplementation(() => {});
    const { unary } = mockKindsClient();
    const mistake = new TypeError("no such thing");
    unary.answerOnce(() => {
      throw mistake;
    });
    await expect(unary({})).rejects.toMatchObject({
      code: Code.UNKNOWN,
      details: "the server failed to handle the call",
    });
    expect(stderr).toHaveBeenCalledWith("/kinds.v1.Kinds/Unary failed:", mistake);
    unary.answerOnce(() => undefined as never);
    await expect(unary({})).rejects.toMatchObject({ code: Code.INTERNAL });
    expect(stderr).toHaveBeenCalledTimes(2);
  });
});

describe("failures", () => {
  test("an RpcError arrives with its code, text, details and trailers", async () => {
    const { unary } = mockKindsClient();
    const codec = tsProto("kinds.v1.Note", Note);
    unary.fail(
      new RpcError(Code.FAILED_PRECONDITION, "not yet", {
        metadata: { "retry-at": "noon" },
        statusDetails: [statusDetail(codec, { text: "why" })],
      }),
    );
    const error = await unary({}).then(undefined, (thrown: RpcError) => thrown);
    expect(error).toMatchObject({
      code: Code.FAILED_PRECONDITION,
      details: "not yet",
      method: "/kinds.v1.Kinds/Unary",
    });
    expect((error as RpcError).metadata.get("retry-at")).toBe("noon");
    expect((error as RpcError).statusDetails.find(codec)).toEqual(whole("why"));
  });

  test("of every kind", async () => {
    const { serverStream, clientStream, bidiStream } = mockKindsClient();
    serverStream.fail(notFound);
    await expect(collect(serverStream({}))).rejects.toThrow("NOT_FOUND: nobody");
    clientStream.fail(notFound);
    await expect(clientStream([{ text: "a" }, { text: "b" }])).rejects.toThrow("NOT_FOUND: nobody");
    expect(clientStream.calls[0]!.requests.map(textOf)).toEqual(["a", "b"]);
    bidiStream.fail(notFound);
    await expect(collect(bidiStream(sender<DeepPartial<Note>>()))).rejects.toThrow("NOT_FOUND: nobody");
  });

  test("in the midst of a stream, after what came before", async () => {
    const { serverStream } = mockKindsClient();
    serverStream.answer(async function* () {
      yield { text: "a" };
      throw notFound;
    });
    const received: string[] = [];
    const loop = async () => {
      for await (const { text } of serverStream({})) received.push(text);
    };
    await expect(loop()).rejects.toThrow("NOT_FOUND: nobody");
    expect(received).toEqual(["a"]);
  });

  test.each([
    { what: "any error", error: new TypeError("boom"), says: "UNKNOWN: boom" },
    {
      what: "an error of grpc-js",
      error: Object.assign(new Error("5"), { code: 5, details: "gone" }),
      says: "NOT_FOUND: gone",
    },
    { what: "an abort", error: AbortSignal.abort().reason as Error, says: /^CANCELLED: / },
  ])("$what is one too", async ({ error, says }) => {
    const { unary } = mockKindsClient();
    unary.fail(error);
    await expect(unary({})).rejects.toThrow(says);
  });

  test("are told at once, whatever the table says of trying again; a call's own policy is followed", async () => {
    const { unary: entry } = KindsDesc.methods;
    const policy = {
      ...{ maxAttempts: 3, initialBackoffMs: 1, maxBackoffMs: 1, backoffMultiplier: 1 },
      codes: [Code.UNAVAILABLE],
    };
    const { name, path, kind, request, response, idempotency, handler } = entry;
    const retried = { name, path, kind, request, response, idempotency, handler, defaults: { retry: policy } } as never;
    const service = new MockService({ ...KindsDesc, methods: { unary: retried } });
    const unary: MockKindsClient["unary"] = service.unary(retried);
    unary.fail(new RpcError(Code.UNAVAILABLE, "down"));
    await expect(unary({})).rejects.toThrow("UNAVAILABLE: down");
    expect(unary.calls).toHaveLength(1);
    await expect(unary({}, { retry: policy })).rejects.toThrow("UNAVAILABLE: down");
    expect(unary.calls).toHaveLength(4);
  });
});

describe("calls are as on a wire", () => {
  test("metadata, both ways; headers and trailers", async () => {
    const { unary } = mockKindsClient();
    unary.answer((_request, call) => {
      call.sendHeaders({ "x-from": "headers" });
      call.trailers.set("x-cost", "3");
      return {};
    });
    const seen: Record<string, unknown> = {};
    await unary(
      {},
      {
        metadata: { "x-tenant": "acme", "x-bin": Buffer.from([0, 255]) },
        onHeaders: (headers) => Object.assign(seen, { headers: headers.get("x-from") }),
        onTrailers: (trailers) => Object.assign(seen, { trailers: trailers.get("x-cost") }),
      },
    );
    expect(seen).toEqual({ headers: "headers", trailers: "3" });
    const { metadata } = unary.calls[0]!;
    expect(metadata).toBeInstanceOf(Metadata);
    expect(metadata.get("x-tenant")).toBe("acme");
    expect([...(metadata.get("x-bin") as Uint8Array)]).toEqual([0, 255]);
  });

  test("a deadline is at the mock", async () => {
    const { unary } = mockKindsClient();
    unary.answer({});
    const before = Date.now();
    await unary({}, { timeoutMs: 60_000 });
    await unary({});
    const [call, without] = unary.calls;
    expect(call!.deadline!.getTime()).toBeGreaterThanOrEqual(before + 60_000 - 2);
    expect(call!.deadline!.getTime()).toBeLessThanOrEqual(Date.now() + 60_000 + 2);
    expect(call!.signal.aborted).toBe(false);
    expect(without!.deadline).toBeUndefined();
    await expect(unary({}, { timeoutMs: 0 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    expect(unary.calls).toHaveLength(2);
  });

  test("it passes, under faked timers when the test says so, and the mock hears of it", async () => {
    jest.useFakeTimers();
    const { unary } = mockKindsClient();
    unary.answerOnce({ text: "in no time" });
    expect(await unary({}, { timeoutMs: 60_000 })).toEqual(whole("in no time"));
    const begun = event();
    const late = event();
    unary.answer(async (_request, { signal }) => {
      signal.addEventListener("abort", () => late.happen());
      begun.happen();
      await late.happened;
      return {};
    });
    const code = unary({}, { timeoutMs: 60_000 }).catch((error: RpcError) => error.code);
    await begun.happened;
    jest.advanceTimersByTime(60_001);
    expect(await code).toBe(Code.DEADLINE_EXCEEDED);
    await late.happened;
    expect(unary.calls[1]!.signal.aborted).toBe(true);
  });

  test("a caller's abort reaches the mock, in the middle of a call of every kind", async () => {
    const mock = mockKindsClient();
    const { unary, serverStream, clientStream, bidiStream } = mock;
    const begun = event();
    const forever = async (_received: unknown, { signal }: ServerCall): Promise<never> => {
      begun.happen();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const streamed = async function* (received: unknown, call: ServerCall) {
      yield { text: "one" };
      await forever(received, call);
    };
    unary.answer(forever);
    serverStream.answer(streamed);
    clientStream.answer(forever);
    bidiStream.answer(streamed);
    const pending = sender<DeepPartial<Note>>();
    const made: { readonly [name in keyof MockKindsClient]: (options: CallOptions) => Promise<unknown> } = {
      unary: (options) => unary({}, options),
      serverStream: (options) => collect(serverStream({}, options)),
      clientStream: (options) => clientStream(pending, options),
      bidiStream: (options) => collect(bidiStream(pending, options)),
    };
    for (const name of Object.keys(made) as (keyof MockKindsClient)[]) {
      const controller = new AbortController();
      const outcome = made[name]({ signal: controller.signal }).catch(({ code }) => code);
      await begun.happened;
      const { signal } = await firstCall(mock[name]);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
      controller.abort();
      expect(await outcome).toBe(Code.CANCELLED);
      await aborted;
    }
  });

  test("a loop that is left early cancels the call, and a list that is waited for is told", async () => {
    const { bidiStream } = mockKindsClient();
    const told = event();
    const responses: AsyncIterable<DeepPartial<Note>> = {
      [Symbol.asyncIterator]: () => {
        let first = true;
        return {
          next: () => {
            if (!first) return new Promise(() => {});
            first = false;
            return Promise.resolve({ done: false, value: { text: "only" } });
          },
          return: () => {
            told.happen();
            return Promise.resolve({ done: true, value: undefined });
          },
        };
      },
    };
    bidiStream.answer(responses);
    for await (const { text } of bidiStream(sender<DeepPartial<Note>>())) {
      expect(text).toBe("only");
      break;
    }
    await told.happened;
    expect(bidiStream.calls[0]!.signal.aborted).toBe(true);
  });

  test("interceptors and credentials of a call run", async () => {
    const { unary } = mockKindsClient();
    unary.answer(({ text }) => ({ text: `${text}!` }));
    const shout =
      (next: Next) =>
      (call: Call): Reply => {
        call.metadata.set("x-target", call.target ?? "");
        return next(call);
      };
    const credentials = async ({ serviceUrl }: { serviceUrl: string }) => ({ authorization: `for ${serviceUrl}` });
    expect(await unary({ text: "a" }, { interceptors: [shout], credentials })).toEqual(whole("a!"));
    const { metadata } = unary.calls[0]!;
    expect(metadata.get("x-target")).toBe("dns:///mock:443");
    expect(metadata.get("authorization")).toBe("for https://mock:443/kinds.v1.Kinds");
  });

  test("limits are a call's own; without any, messages may be of any size", async () => {
    const { unary } = mockKindsClient();
    unary.answer(({ data }) => ({ data }));
    const data = new Uint8Array(6 * 1024 * 1024);
    expect((await unary({ data })).data).toHaveLength(data.length);
    await expect(unary({ data }, { maxReceiveMessageBytes: 1000 })).rejects.toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
    });
  });

  test("what cannot be sent is no call", async () => {
    const { unary } = mockKindsClient();
    unary.answer({});
    await expect(unary({ number: "five" as never })).rejects.toBeInstanceOf(RpcError);
    await expect(unary({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: Code.CANCELLED });
    expect(unary.calls).toEqual([]);
  });

  test("a call made on behalf of a server call ends with it", async () => {
    const { unary } = mockKindsClient();
    const outer = mockKindsClient();
    unary.answer(({ text }) => ({ text }));
    outer.unary.answer((request, call) => unary(request, { parent: call }));
    expect(await outer.unary({ text: "through" }, { timeoutMs: 5000 })).toEqual(whole("through"));
    expect(unary.calls[0]!.deadline).toBeInstanceOf(Date);
  });
});

test("reset() forgets calls and answers, and leaves what a test has kept", async () => {
  const { unary } = mockKindsClient();
  unary.answer({ text: "a" }).answerOnce({ text: "once" }).answerOnce({ text: "never" });
  await unary({ text: "kept" });
  const { calls } = unary;
  expect(unary.reset()).toBe(unary);
  expect(unary.calls).toEqual([]);
  expect(calls).toHaveLength(1);
  await expect(unary({})).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
  unary.answer({ text: "b" });
  expect(await unary({})).toEqual(whole("b"));
});

describe("misuse is told at once", () => {
  const mock = mockKindsClient();
  const misuse = (details: string | RegExp) =>
    expect.objectContaining({ code: Code.INVALID_ARGUMENT, details: expect.stringMatching(details) });
  const thrownBy = (act: () => unknown): unknown => {
    try {
      act();
    } catch (error) {
      expect(error).toBeInstanceOf(RpcError);
      return error;
    }
    throw new Error("nothing was thrown");
  };

  test.each([
    [5, "not 5$"],
    ["text", 'not "text"$'],
    [undefined, "not undefined$"],
    [null, "not null$"],
    [[{ text: "a" }], "not an instance of Array$"],
    [Promise.resolve({ text: "a" }), "not an instance of Promise$"],
    [notFound, "an instance of RpcError is no kinds.v1.Note; fail\\(error\\) fails calls$"],
    [{ number: "five" }, "cannot be encoded as a kinds.v1.Note: "],
  ])("no message: %p", (answer, says) => {
    for (const name of ["unary", "clientStream"] as const) {
      expect(thrownBy(() => mock[name].answer(answer as never))).toEqual(misuse(`^${name}\\.answer\\(\\): .*${says}`));
    }
    expect(thrownBy(() => mock.unary.answerOnce(answer as never))).toEqual(misuse("^unary\\.answerOnce\\(\\): "));
  });

  test.each([
    [{ text: "a" }, "must be an iterable of kinds.v1.Note or a function that returns one, not an object$"],
    ["text", 'not "text"$'],
    [undefined, "not undefined$"],
    [[{ text: "a" }, 5], "\\[1\\]: must be a kinds.v1.Note or a function that returns one, not 5$"],
    [[{ number: "five" }], "\\[0\\]: it cannot be encoded as a kinds.v1.Note: "],
  ])("no messages: %p", (answer, says) => {
    for (const name of ["serverStream", "bidiStream"] as const) {
      expect(thrownBy(() => mock[name].answer(answer as never))).toEqual(misuse(`^${name}\\.answer\\(\\): .*${says}`));
    }
  });

  test("what can be gone through once, for every call", () => {
    const said = misuse(/^serverStream\.answer\(\): .* can be gone through once: .* or use answerOnce\(\)$/);
    expect(thrownBy(() => mock.serverStream.answer([{}].values()))).toEqual(said);
    expect(thrownBy(() => mock.serverStream.answer(sender<DeepPartial<Note>>()))).toEqual(said);
  });

  test.each([["boom"], [undefined], [{ code: 5 }], [() => notFound]])("no error: %p", (error) => {
    for (const fail of ["fail", "failOnce"] as const) {
      const said = misuse(`^bidiStream\\.${fail}\\(\\): must be an error, such as new RpcError\\(`);
      expect(thrownBy(() => mock.bidiStream[fail](error as never))).toEqual(said);
    }
    expect(thrownBy(() => mock.unary.fail(new RpcError(Code.OK, "")))).toEqual(misuse("the code OK is none"));
  });

  test("what was said before holds still", async () => {
    const { unary } = mockKindsClient();
    unary.answer({ text: "as before" });
    thrownBy(() => unary.answer(5 as never));
    thrownBy(() => unary.failOnce("boom" as never));
    expect(await unary({})).toEqual(whole("as before"));
  });

  test("a method of another table", () => {
    const service = new MockService(KindsDesc);
    expect(thrownBy(() => service.unary(EsKindsDesc.methods.unary))).toEqual(
      misuse("^kinds.v1.Kinds: the table of the service has no method /kinds.v1.Kinds/Unary$"),
    );
  });
});

test("a table whose handlers serve nobody will do", async () => {
  const notServed = () => {
    throw new Error("for clients alone");
  };
  const entries = Object.entries(KindsDesc.methods).map(([name, method]) => {
    const { name: protoName, path, kind, request, response, idempotency, defaults } = method;
    const entry = { name: protoName, path, kind, request, response, idempotency, defaults, handler: notServed };
    return [name, entry] as const;
  });
  const desc = { ...KindsDesc, methods: Object.fromEntries(entries) } as unknown as typeof KindsDesc;
  const { unary } = { unary: new MockService(desc).unary(desc.methods.unary) };
  unary.answer({ text: "served" });
  expect(await unary({})).toEqual(whole("served"));
});

test("a method is one, however often its mock is asked for; mocks of one service know nothing of each other", async () => {
  const service = new MockService(KindsDesc);
  const [one, again] = [service.unary(KindsDesc.methods.unary), service.unary(KindsDesc.methods.unary)];
  one.answer({ text: "said to one" });
  expect(await again({})).toEqual(whole("said to one"));
  expect(one.calls).toHaveLength(1);
  expect(one.name).toBe("unary");
  const other = mockKindsClient();
  await expect(other.unary({})).rejects.toMatchObject({ code: Code.UNIMPLEMENTED });
});

describe("nothing is left", () => {
  test("neither connections nor servers are seen in the process, while calls are in flight or after", async () => {
    const { unary, bidiStream } = mockKindsClient();
    const begun = event();
    const over = event();
    unary.answer(async () => {
      begun.happen();
      await over.happened;
      return {};
    });
    bidiStream.answer([{}]);
    const call = unary({});
    await begun.happened;
    expect(connections()).toEqual([]);
    expect(servers.size).toBe(0);
    over.happen();
    await call;
    await collect(bidiStream([{}]));
    expect(connections()).toEqual([]);
    expect(servers.size).toBe(0);
  });

  test("a program that used mocks and closes nothing has no timer, keeps no mock, and exits", () => {
    const program = ["--import", "tsx", "--expose-gc", "test/programs/mocks.ts"];
    const said = JSON.parse(node(program, { timeout: 60_000 }));
    expect(said).toEqual({ made: 50, answered: 200, left: 0, resources: said.before, before: said.before });
  }, 70_000);
});

/** The first call that a mock gets; there may be a turn or two until it is there. */
async function firstCall(mock: { readonly calls: readonly { readonly signal: AbortSignal }[] }) {
  while (mock.calls[0] === undefined) await new Promise(setImmediate);
  return mock.calls[0];
}
