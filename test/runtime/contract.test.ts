/** What generated code relies on, and what its users do. */
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { Code, RpcError, requireContract } from "@trunkline/runtime";
import type { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { type KindsClient, KindsDesc, kindsHandlers } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

test("generated code that is newer than the runtime says at load what to install", () => {
  // @ts-expect-error: tsc refuses it before.
  const load = () => requireContract(2);
  expect(load).toThrow(RpcError);
  expect(load).toThrow(/needs contract 2 .* has 1: update @trunkline\/runtime, or generate again/);
  expect(() => requireContract(1)).not.toThrow();
});

test("a table says what there is to know of a method", () => {
  const { serviceName, fileName, methods } = KindsDesc;
  expect({ serviceName, fileName }).toEqual({ serviceName: "kinds.v1.Kinds", fileName: "kinds/v1/kinds.proto" });
  expect(Object.keys(methods)).toEqual(["unary", "serverStream", "clientStream", "bidiStream"]);
  const { name, path, kind, idempotency, defaults, request, response, requestStream, responseStream } =
    methods.serverStream;
  expect({ name, path, kind, idempotency, defaults, requestStream, responseStream }).toEqual({
    name: "ServerStream",
    path: "/kinds.v1.Kinds/ServerStream",
    kind: "serverStream",
    idempotency: "unknown",
    defaults: {},
    requestStream: false,
    responseStream: true,
  });
  expect([request.typeName, response.typeName]).toEqual(["kinds.v1.Note", "kinds.v1.Note"]);
  const note: Note = methods.unary.requestDeserialize(methods.unary.requestSerialize({ text: "x" }));
  expect(note.text).toBe("x");
});

test("a client is mocked by its interface, and a handler is called by itself", async () => {
  const mock: Pick<KindsClient, "unary"> = {
    unary: async ({ text = "" }) => ({ text, number: 0n, data: new Uint8Array() }),
  };
  expect(await mock.unary({ text: "mocked" })).toMatchObject({ text: "mocked" });
  const impl = { unary: (note: Note) => note } as never;
  expect(kindsHandlers.unary(impl, { text: "handled" } as Note, {} as never)).toEqual({ text: "handled" });
});

test("errors", () => {
  const original = new RpcError(Code.NOT_FOUND, "gone");
  expect(RpcError.from(original)).toBe(original);
  expect(String(original)).toBe("RpcError: NOT_FOUND: gone");
  const abort = new DOMException("stop", "AbortError");
  expect(RpcError.from(abort)).toMatchObject({ code: Code.CANCELLED, cause: abort });
  expect(RpcError.from(Object.assign(new Error("x"), { code: 5, details: "d" }))).toMatchObject({
    code: 5,
    details: "d",
  });
  expect(RpcError.from(Object.assign(new Error("x"), { code: 99, details: "d" }))).toMatchObject({
    code: Code.UNKNOWN,
  });
  const grpcMetadata = new GrpcMetadata();
  grpcMetadata.add("x-a", "1");
  const grpcError = Object.assign(new Error("x"), { code: 5, details: "d", metadata: grpcMetadata });
  expect(RpcError.from(grpcError).metadata.get("x-a")).toBe("1");
  expect(RpcError.from("text")).toMatchObject({ code: Code.UNKNOWN, details: '"text"', cause: "text" });
  expect(RpcError.from(undefined)).toMatchObject({ code: Code.UNKNOWN, details: "undefined" });
  expect(new Error("x")).not.toBeInstanceOf(RpcError);
});

test("an RpcError of another copy of the package is one", async () => {
  const { createRequire } = await import("node:module");
  const other = createRequire(import.meta.url)("../../runtime/dist/cjs/index.js") as { RpcError: typeof RpcError };
  expect(other.RpcError).not.toBe(RpcError);
  const theirs = new other.RpcError(Code.ABORTED, "theirs");
  expect(theirs).toBeInstanceOf(RpcError);
  expect(RpcError.from(theirs)).toBe(theirs);
});
