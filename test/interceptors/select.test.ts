/** `select` and `except`: an interceptor for some of the calls. */
import { Code, type Interceptor } from "@trunkline/runtime";
import { except, type Matching, select } from "@trunkline/runtime/interceptors/select";
import { collect, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

afterEach(stopKinds);

const recorder = (seen: string[]): Interceptor => {
  return (next) => (call) => {
    seen.push(call.method.name);
    return next(call);
  };
};

const all = ["Unary", "ServerStream", "ClientStream", "BidiStream"];

describe.each(transports)("select on $name", ({ transport }) => {
  const rows: [string, Matching, string[]][] = [
    ["one method", "kinds.v1.Kinds/Unary", ["Unary"]],
    ["a path", "/kinds.v1.Kinds/Unary", ["Unary"]],
    ["a service", "kinds.v1.Kinds/*", all],
    ["a package", "kinds.*", all],
    ["a suffix", "*/*Stream", ["ServerStream", "ClientStream", "BidiStream"]],
    ["another service", "kinds.v1.Other/*", []],
    ["a dot that is one", "kinds_v1.Kinds/*", []],
    ["several names", ["*/Unary", "*/BidiStream"], ["Unary", "BidiStream"]],
    ["a kind", { kind: "unary" }, ["Unary"]],
    ["kinds", { kind: ["clientStream", "bidiStream"] }, ["ClientStream", "BidiStream"]],
    ["a kind of a name", { kind: "unary", name: "*/*Stream" }, []],
    ["idempotency", { idempotency: "unknown" }, all],
    ["other idempotency", { idempotency: ["noSideEffects", "idempotent"] }, []],
    ["a function", (call) => call.method.name.startsWith("S"), ["ServerStream"]],
  ];
  test("by name, kind, idempotency and function, on both sides; except is the opposite", async () => {
    const seen = new Map<string, string[]>();
    const made = (side: string) =>
      rows.flatMap(([row, matching]) => {
        const [selected, excepted]: [string[], string[]] = [[], []];
        seen.set(`${side} ${row}`, selected).set(`${side} all but ${row}`, excepted);
        return [select(matching, recorder(selected)), except(matching, recorder(excepted))];
      });
    const methods = {
      unary: () => ({}),
      serverStream: () => [{}],
      clientStream: () => ({}),
      bidiStream: () => [{}],
    };
    const { dial } = await startKinds(transport, methods, { interceptors: made("server") });
    const client = dial({ interceptors: made("client") });
    for (let twice = 0; twice < 2; twice++) {
      await client.unary({});
      await collect(client.serverStream({}));
      await client.clientStream([]);
      await collect(client.bidiStream([]));
    }
    for (const [row, , names] of rows) {
      const others = all.filter((name) => !names.includes(name));
      for (const side of ["client", "server"]) {
        expect([row, seen.get(`${side} ${row}`)]).toEqual([row, [...names, ...names]]);
        expect([row, seen.get(`${side} all but ${row}`)]).toEqual([row, [...others, ...others]]);
      }
    }
  });
});

test.each<[string, unknown]>([
  ["no slash and no wildcard", "Unary"],
  ["a space", "kinds.v1.Kinds/Un ary"],
  ["two slashes", "a/b/c"],
  ["nothing", ""],
  ["a number", 5],
  ["undefined", undefined],
  ["an empty match", {}],
  ["a name of the wrong type", { name: 5 }],
  ["a misspelt property, which would match everything", { names: "kinds.v1.Kinds/*" }],
  ["a misspelt property beside one", { kind: "unary", methods: ["a.B/C"] }],
  ["a kind that there is not", { kind: "stream" }],
  ["an idempotency that there is not", { idempotency: ["idempotent", "safe"] }],
])("what can match nothing is refused: %s", (_what, matching) => {
  const pass: Interceptor = (next) => next;
  expect(() => select(matching as Matching, pass)).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
  expect(() => except(matching as Matching, pass)).toThrow(/except\(\)/);
});
