/** Mocks of the Kinds service, written as the plugin emits them: of messages of ts-proto, and of protobuf-es. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type MockBidiStream,
  type MockClientStream,
  type MockServerStream,
  MockService,
  type MockUnary,
} from "@trunkline/runtime/mock";
import { KindsDesc as EsKindsDesc } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_grpc.js";
import type { Note as EsNote, NoteSchema } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_pb.js";
import type { DeepPartial, Note } from "../../fixtures/golden/ts-proto/kinds/v1/kinds.js";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

export interface MockKindsClient {
  readonly unary: MockUnary<DeepPartial<Note>, Note, DeepPartial<Note>, Note>;
  readonly serverStream: MockServerStream<DeepPartial<Note>, Note, DeepPartial<Note>, Note>;
  readonly clientStream: MockClientStream<DeepPartial<Note>, Note, DeepPartial<Note>, Note>;
  readonly bidiStream: MockBidiStream<DeepPartial<Note>, Note, DeepPartial<Note>, Note>;
}

export function mockKindsClient(): MockKindsClient {
  const service = new MockService(KindsDesc);
  return {
    unary: service.unary(KindsDesc.methods.unary),
    serverStream: service.serverStream(KindsDesc.methods.serverStream),
    clientStream: service.clientStream(KindsDesc.methods.clientStream),
    bidiStream: service.bidiStream(KindsDesc.methods.bidiStream),
  };
}

type EsNoteInit = MessageInitShape<typeof NoteSchema>;

export interface MockEsKindsClient {
  readonly unary: MockUnary<EsNoteInit, EsNote, EsNoteInit, EsNote>;
  readonly serverStream: MockServerStream<EsNoteInit, EsNote, EsNoteInit, EsNote>;
  readonly clientStream: MockClientStream<EsNoteInit, EsNote, EsNoteInit, EsNote>;
  readonly bidiStream: MockBidiStream<EsNoteInit, EsNote, EsNoteInit, EsNote>;
}

export function mockEsKindsClient(): MockEsKindsClient {
  const service = new MockService(EsKindsDesc);
  return {
    unary: service.unary(EsKindsDesc.methods.unary),
    serverStream: service.serverStream(EsKindsDesc.methods.serverStream),
    clientStream: service.clientStream(EsKindsDesc.methods.clientStream),
    bidiStream: service.bidiStream(EsKindsDesc.methods.bidiStream),
  };
}
