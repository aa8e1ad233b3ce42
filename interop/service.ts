/**
 * The services of grpc/testing/test.proto as the cases and the server use them, whatever library made the messages: the
 * generated clients and servers of each library have these shapes, which tsc checks in messages/.
 */
import type { CallOptions, MessageSource, ServerCall } from "@trunkline/runtime";

export interface Payload {
  readonly type: number;
  readonly body: Uint8Array;
}

export interface PayloadResponse {
  readonly payload?: Payload | undefined;
}

interface PayloadInit {
  payload?: { body: Uint8Array };
}

/** What makes a server answer with a status instead. */
interface StatusInit {
  responseStatus?: { code: number; message: string };
}

export interface SimpleRequestInit extends PayloadInit, StatusInit {
  responseSize?: number;
}

export interface OutputRequestInit extends PayloadInit, StatusInit {
  responseParameters?: { size: number }[];
}

type Empty = Record<string, never>;

/** What a generated client of TestService is. */
export interface TestClient {
  readonly emptyCall: (request: Empty, options?: CallOptions) => Promise<object>;
  readonly unaryCall: (request: SimpleRequestInit, options?: CallOptions) => Promise<PayloadResponse>;
  readonly streamingOutputCall: (request: OutputRequestInit, options?: CallOptions) => AsyncIterable<PayloadResponse>;
  readonly streamingInputCall: (
    requests: MessageSource<PayloadInit>,
    options?: CallOptions,
  ) => Promise<{ readonly aggregatedPayloadSize: number }>;
  readonly fullDuplexCall: (
    requests: MessageSource<OutputRequestInit>,
    options?: CallOptions,
  ) => AsyncIterable<PayloadResponse>;
  readonly unimplementedCall: (request: Empty, options?: CallOptions) => Promise<object>;
}

/** What cases call. */
export interface Clients {
  readonly test: TestClient;
  /** Of the service that no server has. */
  readonly unimplemented: Pick<TestClient, "unimplementedCall">;
}

interface EchoStatus {
  readonly code: number;
  readonly message: string;
}

interface SimpleRequest {
  readonly responseType: number;
  readonly responseSize: number;
  readonly responseStatus?: EchoStatus | undefined;
}

export interface OutputRequest {
  readonly responseType: number;
  readonly responseParameters: readonly { readonly size: number; readonly intervalUs: number }[];
  readonly responseStatus?: EchoStatus | undefined;
}

type PayloadResponseInit = Required<PayloadInit>;

/** What a server of TestService implements: all but the method that is there to be missing. */
export interface TestService {
  emptyCall(request: object, call: ServerCall): Empty;
  unaryCall(request: SimpleRequest, call: ServerCall): PayloadResponseInit;
  streamingOutputCall(request: OutputRequest, call: ServerCall): AsyncIterable<PayloadResponseInit>;
  streamingInputCall(
    requests: AsyncIterable<PayloadResponse>,
    call: ServerCall,
  ): Promise<{ aggregatedPayloadSize: number }>;
  fullDuplexCall(requests: AsyncIterable<OutputRequest>, call: ServerCall): AsyncIterable<PayloadResponseInit>;
}
