/** What mocks of generated clients are made of, for tests without a server: `@trunkline/runtime/mock`. */
import type {
  BidiStreamMethod,
  CallOptions,
  Channel,
  ClientStreamMethod,
  MessageSource,
  MethodDesc,
  ServerCall,
  ServerStreamMethod,
  ServiceDesc,
  UnaryMethod,
} from "./contract.js";
import { misuse } from "./error.js";
import type { Metadata } from "./metadata.js";
import { MockedMethod } from "./mock/mocked-method.js";
import { openWire } from "./mock/wire.js";
import { Turns } from "./turns.js";

/** What there is of a call that a mock has got, as a server would have, whatever the method's kind. */
export interface MockedCall {
  /** Request metadata. */
  readonly metadata: Metadata;
  /** When the caller stops waiting; undefined if it never does. */
  readonly deadline: Date | undefined;
  /** Aborted when the call ends for any reason but its own success: cancelled, past its deadline, failed. */
  readonly signal: AbortSignal;
}

/** A call with one request. */
export interface MockCall<out Request> extends MockedCall {
  /** Whole, as it was decoded, whatever part of it the caller gave. */
  readonly request: Request;
}

/** A call that streams requests. */
export interface MockStreamCall<out Request> extends MockedCall {
  /** Those that were taken so far, whole, as they were decoded: the list grows as they come. */
  readonly requests: readonly Request[];
}

/** What a unary method is answered with: a response, or a function that makes one, as an implementation would. */
export type UnaryAnswer<Request, ResponseInit> =
  | ResponseInit
  | ((request: Request, call: ServerCall) => ResponseInit | Promise<ResponseInit>);

/** What a method that streams responses is answered with: a list of them, or a function that makes one. */
export type ServerStreamAnswer<Request, ResponseInit> =
  | MessageSource<ResponseInit>
  | ((request: Request, call: ServerCall) => MessageSource<ResponseInit>);

/**
 * What a method that streams requests is answered with. A response is sent when the requests have ended; a function may
 * answer before.
 */
export type ClientStreamAnswer<Request, ResponseInit> =
  | ResponseInit
  | ((requests: AsyncIterable<Request>, call: ServerCall) => ResponseInit | Promise<ResponseInit>);

/**
 * What a method that streams both ways is answered with. A list is sent at once, and the call ends when the requests have
 * ended too; what a function makes ends the call with its own end.
 */
export type BidiStreamAnswer<Request, ResponseInit> =
  | MessageSource<ResponseInit>
  | ((requests: AsyncIterable<Request>, call: ServerCall) => MessageSource<ResponseInit>);

/** What the mock of a method can be told, and what it tells, whatever the method's kind. */
export interface MockControls<in Answer, out Call> {
  /**
   * The calls that have arrived, in their order, since the mock was made or last `reset()`. A call that never leaves its
   * caller (aborted before, past its deadline before, a request that cannot be encoded) is none.
   */
  readonly calls: readonly Call[];
  /**
   * Answers every call from now on, in place of what was said before.
   *
   * @throws RpcError INVALID_ARGUMENT for what is no answer
   */
  answer(answer: Answer): this;
  /**
   * Answers one call. Several are used up in their order, those of `failOnce` among them, before what `answer` or `fail`
   * says of all calls.
   *
   * @throws RpcError INVALID_ARGUMENT for what is no answer
   */
  answerOnce(answer: Answer): this;
  /**
   * Has every call fail from now on, in place of what was said before. An `RpcError` fails it with its code, text,
   * details and trailers; any other error with what `RpcError.from` makes of it, UNKNOWN as a rule.
   *
   * @throws RpcError INVALID_ARGUMENT for what is no error
   */
  fail(error: Error): this;
  /** Has one call fail; see `answerOnce`. */
  failOnce(error: Error): this;
  /** Forgets calls and answers: it is as new. Calls in flight go on as they would. */
  reset(): this;
}

/** The function of a client for a unary method, without a server. */
export interface MockUnary<in RequestInit, out Request, in ResponseInit, out Response>
  extends MockControls<UnaryAnswer<Request, ResponseInit>, MockCall<Request>> {
  (request: RequestInit, options?: CallOptions): Promise<Response>;
}

/** The function of a client for a method that streams responses, without a server. */
export interface MockServerStream<in RequestInit, out Request, in ResponseInit, out Response>
  extends MockControls<ServerStreamAnswer<Request, ResponseInit>, MockCall<Request>> {
  (request: RequestInit, options?: CallOptions): AsyncIterable<Response>;
}

/** The function of a client for a method that streams requests, without a server. */
export interface MockClientStream<in RequestInit, out Request, in ResponseInit, out Response>
  extends MockControls<ClientStreamAnswer<Request, ResponseInit>, MockStreamCall<Request>> {
  (requests: MessageSource<RequestInit>, options?: CallOptions): Promise<Response>;
}

/** The function of a client for a method that streams both ways, without a server. */
export interface MockBidiStream<in RequestInit, out Request, in ResponseInit, out Response>
  extends MockControls<BidiStreamAnswer<Request, ResponseInit>, MockStreamCall<Request>> {
  (requests: MessageSource<RequestInit>, options?: CallOptions): AsyncIterable<Response>;
}

/**
 * A service that answers as a test tells it to; emitted `mock…Client` functions are the typed way here.
 *
 * What happens to a call is what happens on a wire: it travels, encoded, through the transport without sockets to a server
 * of the mock's own. There is none before the first call, nothing is left open after a call, and nothing is to be closed.
 */
export class MockService {
  readonly #desc: ServiceDesc;
  readonly #mocked = new Map<string, MockedMethod>();
  /** Of whoever makes the mock: answers must not find what the first caller keeps in an `AsyncLocalStorage`. */
  readonly #turns = new Turns();
  #wire: Channel | undefined;

  constructor(desc: ServiceDesc) {
    this.#desc = desc;
  }

  /** The mock of a unary method of the service. */
  unary<RequestInit, Request, ResponseInit, Response>(
    method: UnaryMethod<never, RequestInit, Request, ResponseInit, Response>,
  ): MockUnary<RequestInit, Request, ResponseInit, Response> {
    const call = (request: RequestInit, options?: CallOptions) => this.#channel.unary(method, request, options);
    return withControls(call, this.#mock(method));
  }

  /** The mock of a method of the service that streams responses. */
  serverStream<RequestInit, Request, ResponseInit, Response>(
    method: ServerStreamMethod<never, RequestInit, Request, ResponseInit, Response>,
  ): MockServerStream<RequestInit, Request, ResponseInit, Response> {
    const call = (request: RequestInit, options?: CallOptions) => this.#channel.serverStream(method, request, options);
    return withControls(call, this.#mock(method));
  }

  /** The mock of a method of the service that streams requests. */
  clientStream<RequestInit, Request, ResponseInit, Response>(
    method: ClientStreamMethod<never, RequestInit, Request, ResponseInit, Response>,
  ): MockClientStream<RequestInit, Request, ResponseInit, Response> {
    const call = (requests: MessageSource<RequestInit>, options?: CallOptions) =>
      this.#channel.clientStream(method, requests, options);
    return withControls(call, this.#mock(method));
  }

  /** The mock of a method of the service that streams both ways. */
  bidiStream<RequestInit, Request, ResponseInit, Response>(
    method: BidiStreamMethod<never, RequestInit, Request, ResponseInit, Response>,
  ): MockBidiStream<RequestInit, Request, ResponseInit, Response> {
    const call = (requests: MessageSource<RequestInit>, options?: CallOptions) =>
      this.#channel.bidiStream(method, requests, options);
    return withControls(call, this.#mock(method));
  }

  get #channel(): Channel {
    this.#wire ??= openWire(this.#desc, (name) => this.#methodOf(name), this.#turns);
    return this.#wire;
  }

  #mock(method: MethodDesc): MockedMethod {
    const { serviceName, methods } = this.#desc;
    const name = Object.keys(methods).find((one) => methods[one] === method);
    if (name === undefined) throw misuse(`${serviceName}: the table of the service has no method ${method.path}`);
    return this.#methodOf(name);
  }

  /** The one of that name, however often it is asked for. */
  #methodOf(name: string): MockedMethod {
    let mocked = this.#mocked.get(name);
    if (mocked === undefined) {
      mocked = new MockedMethod(name, this.#desc.methods[name]!);
      this.#mocked.set(name, mocked);
    }
    return mocked;
  }
}

/** The function of a client, and on it what its mock is told by. */
function withControls<Mock extends MockControls<never, unknown>>(call: object, mocked: MockedMethod): Mock {
  const tell = (say: (told: unknown) => void) => ({
    value(told: unknown): object {
      say(told);
      return call;
    },
  });
  return Object.defineProperties(call, {
    name: { value: mocked.name },
    calls: { get: () => mocked.calls, enumerable: true },
    answer: tell((answer) => mocked.answer(answer)),
    answerOnce: tell((answer) => mocked.answerOnce(answer)),
    fail: tell((error) => mocked.fail(error)),
    failOnce: tell((error) => mocked.failOnce(error)),
    reset: tell(() => mocked.reset()),
  }) as Mock;
}
