/** `requestId`: one id for everything that is done on behalf of one request. */
import { Code, type ServerCall } from "@trunkline/runtime";
import { requestId, requestIdOf } from "@trunkline/runtime/interceptors/request-id";
import { startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

const tell = (_request: unknown, call: ServerCall) => ({
  text: `${requestIdOf(call)} ${call.metadata.getAll("x-request-id").join()}`,
});

describe.each(transports)("requestId on $name", ({ transport }) => {
  test.each<[string, Record<string, string | string[]>, RegExp]>([
    ["takes what came", { "x-request-id": "abc" }, /^abc abc$/],
    ["makes one where none came", {}, /^([0-9a-f-]{36}) \1$/],
    ["replaces one that is too long", { "x-request-id": "a".repeat(129) }, /^([0-9a-f-]{36}) \1$/],
    ["replaces one with a space", { "x-request-id": "a b" }, /^([0-9a-f-]{36}) \1$/],
    ["of several keeps one at most", { "x-request-id": ["abc", "<b>"] }, /^(abc|[0-9a-f-]{36}) \1$/],
    ["replaces several where the first is bad", { "x-request-id": ["a b", "abc"] }, /^([0-9a-f-]{36}) \1$/],
    ["replaces one that is empty", { "x-request-id": "" }, /^([0-9a-f-]{36}) \1$/],
  ])("a server %s", async (_what, metadata, expected) => {
    const { client } = await startKinds(transport, { unary: tell }, { interceptors: [requestId()] });
    const { text } = await client.unary({}, { metadata });
    expect(text).toMatch(expected);
  });

  test("it goes from the first client through a handler to the next server", async () => {
    const inner = await startKinds(transport, { unary: tell }, { interceptors: [requestId()] });
    const onwards = inner.dial({ interceptors: [requestId()] });
    const outer = await startKinds(
      transport,
      { unary: (request, call) => onwards.unary(request, { parent: call }) },
      { interceptors: [requestId()] },
    );
    const client = outer.dial({ interceptors: [requestId({ make: () => "made-first" })] });
    expect(await client.unary({})).toMatchObject({ text: "made-first made-first" });
    const { text } = await outer.client.unary({}, { metadata: { "x-request-id": "given" } });
    expect(text).toBe("given given");
  });

  test("header, make, accept and echo are the user's", async () => {
    const options = { header: "X-Correlation", make: () => "made", accept: (id: string) => id.startsWith("ok") };
    const { client } = await startKinds(
      transport,
      { unary: (_request, call) => ({ text: requestIdOf(call) ?? "none" }) },
      { interceptors: [requestId({ ...options, echo: true })] },
    );
    const echoed: (string | undefined)[] = [];
    const onTrailers = (trailers: { get(key: string): string | undefined }) => {
      echoed.push(trailers.get("x-correlation"));
    };
    const ask = (id: string) => client.unary({}, { metadata: { "x-correlation": id }, onTrailers });
    expect(await ask("ok-1")).toMatchObject({ text: "ok-1" });
    expect(await ask("bad")).toMatchObject({ text: "made" });
    expect(echoed).toEqual(["ok-1", "made"]);
  });

  test("without it there is no id", async () => {
    const { client } = await startKinds(transport, { unary: (_r, call) => ({ text: String(requestIdOf(call)) }) });
    expect(await client.unary({})).toMatchObject({ text: "undefined" });
  });
});

test.each(["", "a b", "grpc-id", "id-bin"])("header %p is refused", (header) => {
  expect(() => requestId({ header })).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
});
