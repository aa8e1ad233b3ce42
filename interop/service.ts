/**
 * The services of grpc/testing/test.proto as the cases and the server use them, whatever library made the messages: the
 * generated clients and servers of each library have these shapes, which tsc checks in messages/. Peers that run the same
 * cases have clients of these shapes too.
 */
import type { MessageSource, ServerCall } from "@trunkline/runtime";

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

/** A bool that can be absent. */
export interface Wish {
  readonly value: boolean;
}

/** What a request says of its own compression. */
interface ExpectCompressedInit {
  expectCompressed?: Wish;
}

/** What makes a server answer with a status instead. */
interface StatusInit {
  responseStatus?: { code: number; message: string };
}

export interface SimpleRequestInit extends PayloadInit, StatusInit, ExpectCompressedInit {
  responseSize?: number;
  responseCompressed?: Wish;
  fillUsername?: boolean;
  fillOauthScope?: boolean;
}

export type InputRequestInit = PayloadInit & ExpectCompressedInit;

export interface OutputRequestInit extends PayloadInit, StatusInit {
  responseParameters?: { size: number; compressed?: Wish }[];
}

/** What the server says of who called. */
export interface Caller {
  readonly username: string;
  readonly oauthScope: string;
}

export type Empty = Record<string, never>;

/** What the cases ask of a call: generated clients do more. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly metadata?: { readonly [key: string]: string | Uint8Array };
  /** Who calls: metadata that is never sent in plaintext. */
  readonly credentials?: () => { readonly authorization: string };
  readonly onHeaders?: (headers: ReceivedMetadata) => void;
  readonly onTrailers?: (trailers: ReceivedMetadata) => void;
}

export interface ReceivedMetadata {
  get(key: string): string | Uint8Array | undefined;
}

/** What a generated client of TestService is. */
export interface TestClient {
  readonly emptyCall: (request: Empty, options?: CallOptions) => Promise<object>;
  readonly unaryCall: (request: SimpleRequestInit, options?: CallOptions) => Promise<PayloadResponse & Caller>;
  readonly streamingOutputCall: (request: OutputRequestInit, options?: CallOptions) => AsyncIterable<PayloadResponse>;
  readonly streamingInputCall: (
    requests: MessageSource<InputRequestInit>,
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

interface ExpectCompressed {
  readonly expectCompressed?: Wish | undefined;
}

export interface SimpleRequest extends ExpectCompressed {
  readonly responseType: number;
  readonly responseSize: number;
  readonly responseCompressed?: Wish | undefined;
  readonly fillUsername: boolean;
  readonly fillOauthScope: boolean;
  readonly responseStatus?: EchoStatus | undefined;
}

export interface OutputRequest {
  readonly responseType: number;
  readonly responseParameters: readonly {
    readonly size: number;
    readonly intervalUs: number;
    readonly compressed?: Wish | undefined;
  }[];
  readonly responseStatus?: EchoStatus | undefined;
}

export type InputRequest = PayloadResponse & ExpectCompressed;

type PayloadResponseInit = Required<PayloadInit>;

/** What a server of TestService implements: all but the method that is there to be missing. */
export interface TestService {
  emptyCall(request: object, call: ServerCall): Empty;
  unaryCall(request: SimpleRequest, call: ServerCall): PayloadResponseInit & Partial<Caller>;
  streamingOutputCall(request: OutputRequest, call: ServerCall): AsyncIterable<PayloadResponseInit>;
  streamingInputCall(
    requests: AsyncIterable<InputRequest>,
    call: ServerCall,
  ): Promise<{ aggregatedPayloadSize: number }>;
  fullDuplexCall(requests: AsyncIterable<OutputRequest>, call: ServerCall): AsyncIterable<PayloadResponseInit>;
}
