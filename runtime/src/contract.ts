/**
 * Every type that two parts of the runtime share, and the only file that all of them import.
 *
 * In reading order: what a method is; what a caller and an implementation see; what an interceptor sees; and the seam
 * between the call path and a transport. The seam takes messages with their codecs, not bytes, so that a transport can
 * encode straight into its own write buffer, and it reports through one sink per call.
 *
 * Times on the seam are monotonic milliseconds (`performance.now()`); `Infinity` means that there is no deadline.
 */
import type { Server as NetServer, Socket } from "node:net";
import type { AttemptPolicy, AttemptPolicyOption } from "./attempts/policy.js";
import type { Compression, CompressionOption } from "./compression.js";
import type { CallContext } from "./context.js";
import type { CallCredentials, ChannelCredentials, ServerCredentials } from "./credentials.js";
import type { RpcError } from "./error.js";
import type { Metadata, MetadataInit } from "./metadata.js";
import type { Reply } from "./reply.js";
import type { Code, Status } from "./status.js";

// ── What a method is ────────────────────────────────────────────────────────────────────────────────────────────────

export type MethodKind = "unary" | "serverStream" | "clientStream" | "bidiStream";

/** `idempotency_level` of the proto: what a retry may assume. */
export type Idempotency = "unknown" | "noSideEffects" | "idempotent";

/** What a codec writes fields with: the methods of `BinaryWriter` of @bufbuild/protobuf, whichever build of it. */
export interface WireWriter {
  finish(): Uint8Array;
  fork(): this;
  join(): this;
  tag(fieldNo: number, type: number): this;
  raw(chunk: Uint8Array): this;
  uint32(value: number): this;
  int32(value: number): this;
  sint32(value: number): this;
  fixed32(value: number): this;
  sfixed32(value: number): this;
  uint64(value: string | number | bigint): this;
  int64(value: string | number | bigint): this;
  sint64(value: string | number | bigint): this;
  fixed64(value: string | number | bigint): this;
  sfixed64(value: string | number | bigint): this;
  float(value: number): this;
  double(value: number): this;
  bool(value: boolean): this;
  string(value: string): this;
  bytes(value: Uint8Array): this;
}

/** Turns one message type into bytes and back. `In` is what a user may pass (often partial), `Out` what a user gets. */
export interface Codec<In, Out = In> {
  /** Full protobuf name, such as `google.protobuf.Empty`. */
  readonly typeName: string;
  encode(message: In): Uint8Array;
  /** The same, into a writer that a transport owns and reuses. */
  encodeInto?(message: In, writer: WireWriter): void;
  /** May keep views of `bytes`: a transport never reuses them. */
  decode(bytes: Uint8Array): Out;
}

/** What a method's table entry sets for its calls unless the caller says otherwise. */
export interface MethodDefaults {
  /** Milliseconds that a call may take. */
  readonly timeoutMs?: number;
  /** When a call is tried again. */
  readonly retry?: AttemptPolicy;
}

/** One rpc: an entry of a generated table. */
export interface MethodDesc<in ReqIn = never, out Req = unknown, in ResIn = never, out Res = unknown> {
  /** As the proto spells it: `SayHello`. */
  readonly name: string;
  /** `/package.Service/Method`, the `:path` of its calls. */
  readonly path: string;
  readonly kind: MethodKind;
  readonly request: Codec<ReqIn, Req>;
  readonly response: Codec<ResIn, Res>;
  readonly idempotency: Idempotency;
  readonly defaults: MethodDefaults;
  /**
   * What options of the proto say of it: a google.protobuf.MethodOptions, encoded, in base64; empty where they say nothing.
   * Only where the plugin was told `options=embed`. To read one: `@trunkline/runtime/options`.
   */
  readonly options?: string;
}

/** A generated table: all rpcs of a service that an `Impl` implements. */
export interface ServiceDesc<in Impl = never> {
  /** Full protobuf name: `package.Service`. */
  readonly serviceName: string;
  /** The proto file that declares it. */
  readonly fileName: string;
  /**
   * That file and all that it imports, for server reflection: a google.protobuf.FileDescriptorSet, encoded, in base64.
   * Only where the plugin was told `descriptors=embed`.
   */
  readonly descriptorSet?: string;
  /** The same as a method's: a google.protobuf.ServiceOptions. */
  readonly options?: string;
  readonly methods: { readonly [localName: string]: MethodDesc & { readonly handler: Handler<Impl> } };
}

/** Calls the implementation of one method: with the decoded request, or with a stream of them. */
// biome-ignore lint/suspicious/noExplicitAny: each generated handler narrows the request; the server only passes it on.
export type Handler<in Impl> = (impl: Impl, request: any, call: ServerCall) => unknown;

/** Entries of a generated table, by kind; `Impl` is the interface that a server implements. */
export type UnaryMethod<Impl, ReqIn, Req, ResIn, Res> = MethodEntry<"unary", Impl, ReqIn, Req, ResIn, Res>;
export type ServerStreamMethod<Impl, ReqIn, Req, ResIn, Res> = MethodEntry<
  "serverStream",
  Impl,
  ReqIn,
  Req,
  ResIn,
  Res
>;
export type ClientStreamMethod<Impl, ReqIn, Req, ResIn, Res> = MethodEntry<
  "clientStream",
  Impl,
  ReqIn,
  Req,
  ResIn,
  Res
>;
export type BidiStreamMethod<Impl, ReqIn, Req, ResIn, Res> = MethodEntry<"bidiStream", Impl, ReqIn, Req, ResIn, Res>;

/** An entry is also a valid `MethodDefinition` of grpc-js: `addService(GreeterDesc.methods, …)` takes the table. */
export interface MethodEntry<Kind extends MethodKind, in Impl, in ReqIn, out Req, in ResIn, out Res>
  extends MethodDesc<ReqIn, Req, ResIn, Res> {
  readonly kind: Kind;
  readonly handler: Handler<Impl>;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: ReqIn) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Req;
  readonly responseSerialize: (message: ResIn) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Res;
}

/** Where implementations are registered: a `Server`. */
export interface ServiceRegistrar {
  register<Impl>(desc: ServiceDesc<Impl>, impl: Impl, options?: ServiceOptions): void;
}

/** What holds for the calls of one service; what is not said here is as the server's own options have it. */
export interface ServiceOptions extends MethodOptions {
  /** Wrap its calls, inside the server's own interceptors; the first is the outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** What holds for one method alone, by its name in the implementation: `{ upload: { maxReceiveMessageBytes: … } }`. */
  readonly methods?: { readonly [localName: string]: MethodOptions } | undefined;
}

/** What holds for the calls of one method. */
export interface MethodOptions {
  /** Refuses calls without a deadline, with INVALID_ARGUMENT. */
  readonly requireDeadline?: boolean | undefined;
  /** Bytes; a longer request ends its call with RESOURCE_EXHAUSTED. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** Bytes; a longer response ends its call with RESOURCE_EXHAUSTED. */
  readonly maxSendMessageBytes?: number | undefined;
}

// ── What a caller sees ──────────────────────────────────────────────────────────────────────────────────────────────

/** Options of one call. Every one is optional; what is not given costs nothing. */
export interface CallOptions {
  /** Cancels the call: it fails with CANCELLED, the signal's reason as `cause`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds from now until the call fails with DEADLINE_EXCEEDED; `Infinity` is no limit, 0 and less have passed
   * already. The earliest of all deadlines wins: the call's, its method's, the channel's, its parent's.
   */
  readonly timeoutMs?: number | undefined;
  /** A point in time (a `Date`, or milliseconds since the epoch) with the same effect. */
  readonly deadline?: Date | number | undefined;
  /** Request metadata. */
  readonly metadata?: MetadataInit | undefined;
  /** Called once with the response's headers, if the server sends any. */
  readonly onHeaders?: ((headers: Metadata) => void) | undefined;
  /** Called once with the response's trailers, at the end of the call. */
  readonly onTrailers?: ((trailers: Metadata) => void) | undefined;
  /**
   * The server call on whose behalf this call is made: its deadline, its cancellation and its context are inherited.
   * Default: none, or, at a server with `propagate: "auto"`, the call whose handler this runs in; there, `null` (or
   * naming it as undefined) makes a call on nobody's behalf.
   */
  readonly parent?: ServerCall | null | undefined;
  /** Milliseconds to leave of the parent's time, so that it can still answer. Default: the channel's, else 0. */
  readonly marginMs?: number | undefined;
  /** Values for this call's interceptors; they stay in this process. What is not in it is looked up in the parent's. */
  readonly context?: CallContext | undefined;
  /** Waits for a connection instead of failing at once with UNAVAILABLE where there is none. Default: the channel's. */
  readonly waitForReady?: boolean | undefined;
  /** Run inside the channel's own interceptors; they never replace them. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** When this call is tried again; `false` for one attempt only. Default: the channel's, then the method's. */
  readonly retry?: AttemptPolicyOption | undefined;
  /** Credentials of this call, in addition to the channel's. Never sent in plaintext. */
  readonly credentials?: CallCredentials | undefined;
  /** How requests are compressed: `"gzip"`. Default: the channel's. A transport may do only what it was dialled with. */
  readonly compression?: CompressionOption | undefined;
  /** Bytes; a longer response message fails the call with RESOURCE_EXHAUSTED. Default: the channel's. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** Bytes; a longer request message fails the call with RESOURCE_EXHAUSTED. Default: the channel's. */
  readonly maxSendMessageBytes?: number | undefined;
  /** The `:authority` to name instead of the channel's. */
  readonly authority?: string | undefined;
}

/** A stream of messages that somebody makes: a client its requests, an implementation its responses. */
export type MessageSource<T> = AsyncIterable<T> | Iterable<T>;

/** What generated clients call. Failures of any kind arrive as an {@link RpcError}: rejected or thrown while iterating. */
export interface Channel {
  unary<I, O>(method: MethodDesc<I, unknown, never, O>, request: I, options?: CallOptions): Promise<O>;
  serverStream<I, O>(method: MethodDesc<I, unknown, never, O>, request: I, options?: CallOptions): AsyncIterable<O>;
  clientStream<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    requests: MessageSource<I>,
    options?: CallOptions,
  ): Promise<O>;
  bidiStream<I, O>(
    method: MethodDesc<I, unknown, never, O>,
    requests: MessageSource<I>,
    options?: CallOptions,
  ): AsyncIterable<O>;
}

// ── What an implementation sees ─────────────────────────────────────────────────────────────────────────────────────

/** What a certificate says of who shows it. */
export interface PeerIdentity {
  /** `CN=client,O=Example` */
  readonly subject: string;
  /** Each with its type before it: `DNS:client.example.com`, `URI:spiffe://example.com/client`, `IP Address:10.0.0.1`. */
  readonly subjectAltNames: readonly string[];
}

/** Who is at the other end. */
export interface Peer {
  /** `127.0.0.1:50051`, `[::1]:50051`; `unknown` over a unix socket, whose clients have no names. */
  readonly address: string;
  /** Only where the peer has shown a certificate that was verified (mutual TLS). */
  readonly identity?: PeerIdentity | undefined;
}

/** A call as an implementation and a server's interceptors see it. */
export interface ServerCall {
  readonly method: MethodDesc;
  /** Request metadata. */
  readonly metadata: Metadata;
  readonly peer: Peer;
  /** When the caller stops waiting; undefined if it never does. */
  readonly deadline: Date | undefined;
  /** Milliseconds until then: `Infinity` without a deadline, never negative. */
  timeLeftMs(): number;
  /** Aborted when the call ends for any reason but its own success: cancelled, past its deadline, connection lost. */
  readonly signal: AbortSignal;
  /** Values that interceptors and handler keep with the call; calls made with `{ parent: call }` can read them. */
  readonly context: CallContext;
  /** Sends the response's headers now instead of with the first message. Once; later calls are an error. */
  sendHeaders(headers?: MetadataInit): void;
  /** Sent with the status at the end of the call. */
  readonly trailers: Metadata;
  /**
   * How responses are compressed, where the caller accepts that; to be set before the first. Default: the server's.
   * Setting it throws UNIMPLEMENTED where the transport cannot compress responses.
   */
  compression: CompressionOption;
  /** What has travelled so far. */
  traffic(): Traffic;
  /**
   * Has `listener` called with the status when the call has ended: answered, or over without an answer (cancelled, past
   * its deadline, connection lost). At once where it has.
   */
  onEnd(listener: (status: Status) => void): void;
}

// ── What an interceptor sees ────────────────────────────────────────────────────────────────────────────────────────

/**
 * A call on its way in, on either side: `side` tells which. What an interceptor changes here is what the layers inside it
 * see.
 */
export type Call = ClientSideCall | ServerSideCall;

/** What a call is on both sides. */
export interface CallOnEitherSide {
  readonly method: MethodDesc;
  /** Request metadata, to read and to change. */
  readonly metadata: Metadata;
  /** When the call is to end. On a client it may be moved; at a server it may be brought forward. */
  deadline: Date | undefined;
  timeLeftMs(): number;
  /**
   * Values that belong to this call. On a server: what the handler sees. On a client: falls back to what the caller
   * passed and then to the parent call's; what is set here is seen by the interceptors of this call only.
   */
  readonly context: CallContext;
  /** Aborted when the call is not wanted any more. On a client: by its caller or its parent call, if anybody can. */
  readonly signal: AbortSignal | undefined;
  /** The one request of a `unary` or `serverStream` method; undefined for the other kinds. */
  request: unknown;
  /** The requests of a `clientStream` or `bidiStream` method; undefined for the other kinds. */
  requests: MessageSource<unknown> | undefined;
}

/** A call at a client. */
export interface ClientSideCall extends CallOnEitherSide {
  readonly side: "client";
  /** What its channel was dialled with. */
  readonly target: string;
  /** Has each attempt that the call takes told to `listener` as it begins. Without effect once `next` was called. */
  onAttempt(listener: AttemptListener): void;
  readonly server?: undefined;
}

/** A call at a server. */
export interface ServerSideCall extends CallOnEitherSide {
  readonly side: "server";
  /** The call as the implementation sees it. */
  readonly server: ServerCall;
  readonly target?: undefined;
  readonly onAttempt?: undefined;
}

/** One attempt of a call: a call takes one at least, and more where its retry policy says so. */
export interface Attempt {
  /** How many went before it, as the server sees it in `grpc-previous-rpc-attempts`. */
  readonly previous: number;
  /** It stands in for one that the server has provably not processed. */
  readonly isTransparentRetry: boolean;
  /** What this attempt sends along, to read and to change. */
  readonly metadata: Metadata;
}

/** Told of an attempt before it leaves; what it returns is called at the attempt's end. */
export type AttemptListener = (attempt: Attempt) => (status: Status, traffic: Traffic) => void;

/**
 * Bytes of a call's messages without their framing: as they travel where the transport tells that, else before
 * compression (docs/transports.md).
 */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The rest of the way: an inner interceptor, and at the end the wire (client) or the handler (server). */
export type Next = (call: Call) => Reply;

/**
 * Wraps every call of a channel or a server, of every kind.
 *
 * The first in a list is the outermost, on both sides: it sees the request first and the reply last.
 *
 * ```
 *   [a, b]      a ─► b ─► wire or handler
 *               a ◄─ b ◄─
 * ```
 *
 * A channel's interceptors are outside a call's. Returning without `next(call)` answers in its stead (see `Reply`);
 * throwing fails the call. It may be async.
 */
export type Interceptor = (next: Next) => (call: Call) => Reply | Promise<Reply>;

// ── The seam: a client's side ───────────────────────────────────────────────────────────────────────────────────────

/** What a transport can do beyond carrying calls; docs/transports.md is the table. */
export interface Capabilities {
  /** `ping()` measures a round trip. */
  readonly ping: boolean;
  /** Compresses the requests of each call as the call wants it; otherwise only as it was dialled. */
  readonly compressionPerCall: boolean;
}

/** What a connection is doing: the gRPC Connectivity Semantics document. */
export type State = "IDLE" | "CONNECTING" | "READY" | "TRANSIENT_FAILURE" | "SHUTDOWN";

/** How far a call got on the server: what decides whether it may be tried again. */
export type Progress = "unsent" | "refused" | "processed" | "unknown";

/** Makes channels and servers that speak gRPC in one way. */
export type Transport = ChannelTransport | SocketTransport;

/** What all transports have. */
export interface AnyTransport {
  /** Part of the key under which connections are shared: equal names speak in the same way. */
  readonly name: string;
  /** What it carries stays on this machine, whatever the target and the address: plaintext goes without saying. Default false. */
  readonly isLocal?: boolean;
  /**
   * Says of failed calls how far they got (`Progress` other than "unknown"): what the server has provably not processed is
   * then tried again, with or without a policy. Default false.
   */
  readonly tellsProgress?: boolean;
  serve(options: ServeOptions): ServerTransport;
}

/** Makes whole channels: it resolves, balances and connects by itself. */
export interface ChannelTransport extends AnyTransport {
  /** At once, or when what the target needs has been loaded. */
  connect(options: ConnectOptions, observer: ChannelObserver): TransportChannel | Promise<TransportChannel>;
}

/** Speaks on sockets that it is given: the runtime resolves names, connects, balances and reconnects (connection/). */
export interface SocketTransport extends AnyTransport {
  readonly capabilities: Capabilities;
  /** Begins to speak on a socket that is connected, and encrypted (ALPN `h2`) where it is to be. Owns it from here on. */
  speak(socket: Socket, options: SpeakOptions, observer: ConnectionObserver): SocketConnection;
}

/** Durations are milliseconds; `Infinity` is never. */
export interface SpeakOptions {
  /** What `:authority` says for calls that do not say so themselves. */
  readonly authority: string;
  /** As events, errors and `peer()` name it: `127.0.0.1:50051`, `unix:/run/x.sock`. */
  readonly peer: string;
  readonly isSecure: boolean;
  /** Bytes; nothing longer is read into memory. */
  readonly maxReceiveMessageBytes: number;
  readonly keepalive: ConnectOptions["keepalive"];
}

/** One socket to a peer, and the calls on it. */
export interface SocketConnection {
  /** Whether a call can be started now. Not before `onReady`, while the peer takes no more at a time, and after `onGoaway`. */
  readonly hasRoom: boolean;
  /** Calls that are on it: what `least_request` compares. */
  readonly callsInFlight: number;
  readonly socket: Socket;
  /** As that of {@link TransportChannel}; only while `hasRoom`. */
  start<I, O>(call: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I>;
  /** A round trip in ms; rejects with UNAVAILABLE where the connection is lost, with DEADLINE_EXCEEDED after `deadline`. */
  ping(deadline: number): Promise<number>;
  /** Takes no more calls, and closes when those in flight have ended, or were cut after `graceMs`. May be told again. */
  drain(graceMs: number): Promise<void>;
}

/** Told of one connection; nothing is told before `speak` has returned. */
export interface ConnectionObserver {
  /** The peer speaks HTTP/2: calls can be started. */
  onReady(): void;
  /** There is room again where there was none. */
  onRoom(): void;
  /** The peer takes no more calls on it; those in flight go on. */
  onGoaway(reason: string): void;
  /** After the ends of its calls; once, and last. */
  onClosed(reason: string): void;
  /**
   * After the sink of a call has heard of its end. Undefined of one that came after the peer's last (GOAWAY): it counts as
   * none, since it is made again.
   */
  onCallEnd(code: Code | undefined): void;
}

/** Durations are milliseconds; `Infinity` is never. */
export interface ConnectOptions {
  /** As gRPC naming writes it: `dns:///host:port`, `unix:path`, `ipv4:…`, `ipv6:…`. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly authority?: string | undefined;
  /** Whose certificate the peer has to show, where neither the credentials nor the target say so. */
  readonly serverName?: string | undefined;
  /** Bytes; nothing longer is read into memory. */
  readonly maxReceiveMessageBytes: number;
  /** What calls are compressed with that say nothing; all that some transports can do. */
  readonly compression: Compression | undefined;
  readonly loadBalancing: LoadBalancing;
  readonly keepalive: { readonly timeMs: number; readonly timeoutMs: number; readonly withoutCalls: boolean } | false;
  /** From the TCP connection to the first bytes of the peer. */
  readonly connectTimeoutMs: number;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
  readonly channelz: boolean;
}

/** A policy by its name, or a `loadBalancingConfig` of a gRPC service config. */
export type LoadBalancing =
  | "pick_first"
  | "round_robin"
  | "least_request"
  | readonly { readonly [policy: string]: object }[];

/** Told by a transport what becomes of a channel: one for all of its calls, so that no call pays for it. */
export interface ChannelObserver {
  onState(state: State): void;
  onEvent(event: ConnectionEvent): void;
  /**
   * After the sink of a call has heard of its end. Undefined of one that came after the peer's last (GOAWAY): it counts as
   * none, since it is made again.
   */
  onCallEnd(code: Code | undefined): void;
}

/** What happens to the sockets of a connection, and why. */
export type ConnectionEvent =
  | { readonly type: "connected"; readonly peer: string }
  | { readonly type: "disconnected"; readonly peer: string; readonly reason: string }
  /** The peer takes no more calls on this socket; those in flight go on. */
  | { readonly type: "goaway"; readonly peer: string; readonly reason: string }
  /** An attempt to connect failed; the next is made after about so many milliseconds. */
  | { readonly type: "backoff"; readonly reason: string; readonly backoffMs: number }
  /** With the dial option `healthCheck`: whether the peer takes calls, as its health service has it. */
  | { readonly type: "health"; readonly serving: boolean; readonly reason: string };

/** All connections to one target. */
export interface TransportChannel {
  readonly capabilities: Capabilities;
  readonly state: State;
  /** Leaves IDLE without a call. */
  connect(): void;
  /** A round trip in ms. */
  ping?(deadline: number): Promise<number>;
  /** Those that are connected, for who looks at the process from outside; missing where the transport has or shows none. */
  sockets?(): Iterable<Socket>;
  /** Is given no more calls; closes its sockets when those in flight have ended, or were cut after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /**
   * Starts a call. Throws an {@link RpcError} where the one request cannot be encoded (see `encodeMessage`) or the
   * channel takes no calls; all other failures are reported to the sink, and nothing before it has returned.
   */
  start<I, O>(call: CallSpec<I, O>, sink: CallSink<O>): CallHandle<I>;
}

export interface CallSpec<I, O> {
  readonly method: MethodDesc<I, unknown, never, O>;
  readonly authority?: string | undefined;
  /** Read, never changed or kept. */
  readonly metadata?: Metadata | undefined;
  /** The transport ends the call with DEADLINE_EXCEEDED at this time, and tells the server as `grpc-timeout`. */
  readonly deadline: number;
  readonly waitForReady: boolean;
  /** 0 for the first attempt. */
  readonly attempt: number;
  /** It stands in for an attempt that the server has provably not processed. */
  readonly isTransparentRetry?: boolean;
  readonly maxReceiveMessageBytes?: number | undefined;
  readonly maxSendMessageBytes?: number | undefined;
  /** How requests are compressed; undefined where they are not. */
  readonly compression?: Compression | undefined;
  /** Nobody waits for it: it does not hold the process open. */
  readonly background?: boolean;
  /** The request of a `unary` or `serverStream` method: headers, message and end of stream leave in one turn. */
  readonly only?: I;
}

/** How the call path drives a call. After the sink's `onEnd` all of it is without effect. */
export interface CallHandle<in I> {
  /**
   * Sends a request; false asks to wait for `onWritable()`. Throws an {@link RpcError} where it cannot be encoded.
   */
  send(message: I): boolean;
  /** No more requests. */
  end(): void;
  /** Lets `n` more messages come. */
  read(n: number): void;
  /** Ends the call; the sink hears of it as of any other end. */
  cancel(code: Code, details: string): void;
  /** The peer's address, once there is one. */
  peer(): string | undefined;
  traffic(): Traffic;
  /** How many attempts were made; undefined counts as one. */
  readonly attempts?: number;
  /**
   * Has a call go on as that of `spec` and report to `to`, so that `from`, which it was started for, has no more to do with
   * it. Undefined, and nothing done, where it does not report to `from` itself; missing where the transport cannot.
   */
  handOver?<M, O>(from: CallSink<O>, to: CallSink<O>, spec: CallSpec<M, O>): CallHandle<M> | undefined;
}

/** How a transport reports: `onHeaders` at most once, as many messages as were asked for, `onEnd` once and last. */
export interface CallSink<in O> {
  onHeaders(metadata: Metadata): void;
  onMessage(message: O): void;
  /** After a `send` that returned false: there is room again. */
  onWritable(): void;
  onEnd(status: Status, progress: Progress): void;
  /**
   * From here on `handle` drives the call, which whoever has driven it so far has left to the transport.
   *
   * @param attempts that were made of it
   */
  onHandedOver?(handle: CallHandle<never>, attempts: number): void;
}

// ── The seam: a server's side ───────────────────────────────────────────────────────────────────────────────────────

/** Durations are milliseconds; `Infinity` is never, and no limit. */
export interface ServeOptions {
  /** Bytes: the largest of the limits that methods have. No message is read that is longer. */
  readonly longestReceiveBytes: number;
  /** Of one connection at a time; a client keeps further calls waiting. */
  readonly maxConcurrentStreams: number;
  /** Bytes of the request metadata of a call, counted as RFC 9113 (section 6.5.2) counts a header list. */
  readonly maxMetadataBytes: number;
  /** A connection without calls is closed after this time. */
  readonly maxConnectionIdleMs: number;
  /** A connection of this age takes no more calls (GOAWAY); those in flight may end within the grace. */
  readonly maxConnectionAgeMs: number;
  readonly maxConnectionAgeGraceMs: number;
  /** Pings clients that are silent; closes those that do not answer. */
  readonly keepalive: { readonly timeMs: number; readonly timeoutMs: number } | false;
  /** Closes connections whose clients ping more often than this (GOAWAY, too_many_pings). */
  readonly keepaliveEnforcement: { readonly minTimeMs: number; readonly withoutCalls: boolean } | undefined;
  /** Asked before a connection is taken. */
  readonly gate: ConnectionGate;
}

/** Lets connections in, and counts them. */
export interface ConnectionGate {
  /** Undefined refuses it; otherwise it is to be called when the connection has closed. */
  open(): (() => void) | undefined;
}

/** What a server transport can do beyond carrying calls; docs/transports.md is the table. */
export interface ServerCapabilities {
  /** `keepaliveEnforcement` of {@link ServeOptions}. */
  readonly keepaliveEnforcement: boolean;
  /** Compresses responses. */
  readonly compression: boolean;
}

export interface ServerTransport {
  readonly capabilities: ServerCapabilities;
  /** Accepts calls on one more address: `host:port` (port 0 takes a free one), `unix:path` or `fd:number`. */
  listen(address: string, credentials: ServerCredentials, dispatcher: Dispatcher): Promise<Bound>;
}

/** An address that a server listens on. */
export interface Bound {
  /** As a client would dial it: `127.0.0.1:50051`, `[::1]:50051`, `unix:/run/x.sock`. */
  readonly address: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** For who looks at the process from outside; missing where the transport has or shows none. */
  readonly sockets?: BoundSockets | undefined;
  /**
   * Takes no more calls and tells clients so (GOAWAY); resolves when those in flight have ended or were cut after
   * `graceMs`, with how many were cut.
   */
  drain(graceMs: number): Promise<number>;
}

/** The sockets behind an address that a server listens on. */
export interface BoundSockets {
  /** Several where a host name has several addresses. One that is closed has no address. */
  readonly listening: readonly NetServer[];
  /** The connections that were accepted and are open; where they are encrypted, as `TLSSocket`. */
  readonly accepted: Iterable<Socket>;
}

/** What a server transport asks of the server. */
export interface Dispatcher {
  /**
   * Takes a call; undefined where it has been ended at once, as for an unknown method.
   *
   * @param path of its method: `/package.Service/Method`
   * @param metadataBytes of its metadata, as {@link ServeOptions.maxMetadataBytes} counts them
   */
  accept(call: IncomingCall, path: string, metadataBytes: number): ServerSink | undefined;
}

export interface IncomingCall {
  readonly metadata: Metadata;
  /** The transport ends the call with DEADLINE_EXCEEDED at this time, whatever the handler does. */
  readonly deadline: number;
  readonly peer: Peer;
  read(n: number): void;
  /**
   * Response headers; sent empty before the first message where this was not called.
   *
   * @param compression of the messages that follow, of which the headers tell
   */
  headers(metadata: Metadata, compression?: Compression): void;
  /**
   * False asks to wait for `onWritable()`. Throws an {@link RpcError} where the message cannot be encoded.
   *
   * @param compression the same for all messages of a call
   */
  send(message: unknown, compression?: Compression): boolean;
  end(status: Status): void;
  traffic(): Traffic;
}

/** How a server transport reports: as many messages as were asked for, then `onHalfClose` — or at any time `onCancel`. */
export interface ServerSink {
  readonly method: MethodDesc;
  /** Bytes; a longer request ends the call with RESOURCE_EXHAUSTED, and is not read into memory where that can be helped. */
  readonly maxReceiveMessageBytes: number;
  /** Bytes; a longer response ends the call with RESOURCE_EXHAUSTED. */
  readonly maxSendMessageBytes: number;
  /** The transport has the sink in hand: from here on the call may be answered. */
  onStart(): void;
  onMessage(message: unknown): void;
  /** No more requests. */
  onHalfClose(): void;
  /** After a `send` that returned false: there is room again. */
  onWritable(): void;
  /** The call is over on the wire: cancelled by the caller, past its deadline, unreadable, or its connection lost. */
  onCancel(reason: RpcError): void;
}
