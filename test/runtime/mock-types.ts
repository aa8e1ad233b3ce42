/** Rows that tsc alone reads (`npm run typecheck`): what may be written with mocks, and what may not. */
import { Code, RpcError } from "@trunkline/runtime";
import { MockService } from "@trunkline/runtime/mock";
import type { KindsClient as EsKindsClient } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_grpc.js";
import { Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { type KindsClient, KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import type { MockEsKindsClient, MockKindsClient } from "./mock-kinds.js";

export function rows(mock: MockKindsClient, es: MockEsKindsClient): void {
  const client: KindsClient = mock;
  const esClient: EsKindsClient = es;
  void [client, esClient];
  mock.unary
    .answer({ text: "a" })
    .answerOnce(({ text }) => ({ text }))
    .fail(new RpcError(Code.NOT_FOUND, "nobody"));
  mock.unary.answer(async (request, call) => ({ text: request.text, number: BigInt(call.timeLeftMs()) }));
  es.unary.answer(async (request) => ({ text: request.text }));
  es.bidiStream.answer((requests) => requests);
  mock.bidiStream.answer((requests) => requests);
  const length: number = mock.clientStream.calls[0]!.requests.length;
  void length;
  // @ts-expect-error a response has no such field
  mock.unary.answer({ txt: "a" });
  // @ts-expect-error nor has what a function returns
  mock.unary.answer(() => ({ text: 5 }));
  // @ts-expect-error a stream is answered with a list
  mock.serverStream.answer({ text: "a" });
  // @ts-expect-error and not with a promise of one, as at a server
  mock.serverStream.answer(async () => [{ text: "a" }]);
  // @ts-expect-error whose messages are the method's
  mock.bidiStream.answer([{ text: 5 }]);
  // @ts-expect-error a failure is an error
  mock.unary.fail("boom");
  // @ts-expect-error `calls` is the mock's to set
  mock.unary.calls = [];
  // @ts-expect-error and to add to
  mock.unary.calls.push(mock.unary.calls[0]!);
  // @ts-expect-error requests of a stream are a list
  mock.clientStream.calls[0]!.request;
  // @ts-expect-error which is the mock's as well
  mock.clientStream.calls[0]!.requests.push(Note.create());
  // @ts-expect-error the request of a unary method is one
  mock.unary.calls[0]!.requests;
  // @ts-expect-error a request is a message
  void mock.unary({ text: 5 });
  const service = new MockService(KindsDesc);
  // @ts-expect-error the kind is the method's
  service.unary(KindsDesc.methods.bidiStream);
  // @ts-expect-error a mock of another library's messages is no client of these
  const wrong: KindsClient = es;
  void wrong;
}
