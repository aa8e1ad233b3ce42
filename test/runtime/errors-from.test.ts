/** What `RpcError.from` makes of whatever was thrown. */
import { runInNewContext } from "node:vm";
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Code, Metadata, RpcError } from "@trunkline/runtime";

const abort = AbortSignal.abort().reason as unknown;
const nodeError = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", errno: -111 });
const theirs = new GrpcMetadata();
theirs.add("x-why", "because");

const rows: [string, unknown, Code, string][] = [
  ["an error", new TypeError("oops"), Code.UNKNOWN, "oops"],
  ["an error without a text", new Error(), Code.UNKNOWN, ""],
  ["an error of another realm", runInNewContext("new TypeError('oops')"), Code.UNKNOWN, "oops"],
  ["an error of a system call, whose code is text", nodeError, Code.UNKNOWN, "connect ECONNREFUSED"],
  ["an abort", abort, Code.CANCELLED, "This operation was aborted"],
  [
    "an abort of another realm",
    runInNewContext("Object.assign(new Error('stop'), { name: 'AbortError' })"),
    Code.CANCELLED,
    "stop",
  ],
  ["several errors", new AggregateError([new Error("a")], "all failed"), Code.UNKNOWN, "all failed"],
  ["a status", { code: 5, details: "gone", metadata: new Metadata() }, Code.NOT_FOUND, "gone"],
  ["a status without metadata", { code: 5, details: "gone" }, Code.NOT_FOUND, "gone"],
  ["a code that gRPC does not have", { code: 17, details: "odd" }, Code.UNKNOWN, "odd"],
  ["a negative code", { code: -1, details: "odd" }, Code.UNKNOWN, "odd"],
  ["a code that is no whole number", { code: 1.5, details: "odd" }, Code.UNKNOWN, "odd"],
  ["a code without a text", { code: 5 }, Code.UNKNOWN, "an object"],
  ["text", "oops", Code.UNKNOWN, '"oops"'],
  ["a number", 5, Code.UNKNOWN, "5"],
  ["undefined", undefined, Code.UNKNOWN, "undefined"],
  ["null", null, Code.UNKNOWN, "null"],
  ["an object without a prototype", Object.create(null), Code.UNKNOWN, "an object"],
];

test.each(rows)("%s", (_what, thrown, code, details) => {
  const error = RpcError.from(thrown);
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ code, details, attempts: 0 });
  expect(error.cause).toBe(thrown);
  expect([...error.statusDetails]).toEqual([]);
  expect(RpcError.from(error)).toBe(error);
});

test("an error of grpc-js keeps its metadata", () => {
  const error = RpcError.from(
    Object.assign(new Error("5 NOT_FOUND: gone"), { code: 5, details: "gone", metadata: theirs }),
  );
  expect(error.message).toBe("NOT_FOUND: gone");
  expect(error.metadata.get("x-why")).toBe("because");
});

test("causes stay a chain, down to the first", () => {
  const first = new Error("the disk is full");
  const second = new RpcError(Code.DATA_LOSS, "half written", { cause: first });
  const third = new TypeError("cannot go on", { cause: second });
  const error = RpcError.from(third);
  const chain: unknown[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) chain.push(cause);
  expect(chain).toEqual([third, second, first]);
  // What somebody wraps does not speak for it: a wrapper has to say so itself.
  expect(error.isRetryable).toBe(false);
  expect(new RpcError(Code.UNAVAILABLE, "later", { cause: second }).isRetryable).toBe(true);
});
