/** The cases on the clients of a library, where these return promises and async iterables. */
import type { MessageSource } from "@trunkline/runtime";
import type { Case } from "../../cases/case.js";
import { cases } from "../../cases/cases.js";
import type { CaseName } from "../../description.js";
import type {
  Caller,
  CallOptions,
  Clients,
  Empty,
  InputRequestInit,
  OutputRequestInit,
  PayloadResponse,
  SimpleRequestInit,
} from "../../service.js";
import type { ClientOptions } from "../peer.js";

/** A client of TestService, as the library makes it. */
export interface LibraryClient<Options> extends UnimplementedClient<Options> {
  emptyCall(request: Empty, options: Options): Promise<object>;
  unaryCall(request: SimpleRequestInit, options: Options): Promise<PayloadResponse & Caller>;
  streamingOutputCall(request: OutputRequestInit, options: Options): AsyncIterable<PayloadResponse>;
  streamingInputCall(
    requests: AsyncIterable<InputRequestInit>,
    options: Options,
  ): Promise<{ readonly aggregatedPayloadSize: number }>;
  fullDuplexCall(requests: AsyncIterable<OutputRequestInit>, options: Options): AsyncIterable<PayloadResponse>;
}

interface UnimplementedClient<Options> {
  unimplementedCall(request: Empty, options: Options): Promise<object>;
}

/** A connection of its own, and what makes calls on it. */
export interface Connection<Options> {
  readonly test: LibraryClient<Options>;
  /** Another that compresses its requests. */
  readonly compressing: LibraryClient<Options>;
  readonly unimplemented: UnimplementedClient<Options>;
  close(): void;
}

export interface Library<Options> {
  connect(address: string, options: ClientOptions): Connection<Options>;
  optionsOf(options: CallOptions): Options;
  /** What a call failed with, as an RpcError of the same status. */
  errorOf(error: unknown): unknown;
  wasCompressed(response: PayloadResponse): boolean;
}

export async function runCase<Options>(
  library: Library<Options>,
  name: CaseName,
  address: string,
  options: ClientOptions,
): Promise<void> {
  const { soak, concurrentCalls } = options;
  const { wasCompressed } = library;
  const onChannel: Parameters<Case>[1]["onChannel"] = async ({ compresses }, use) => {
    const connection = library.connect(address, options);
    try {
      await use(clientsOf(library, connection, compresses));
    } finally {
      connection.close();
    }
  };
  await onChannel({}, (clients) => cases[name](clients, { soak, concurrentCalls, onChannel, wasCompressed }));
}

function clientsOf<Options>(
  { optionsOf, errorOf }: Library<Options>,
  { test, compressing, unimplemented }: Connection<Options>,
  compresses: (request: unknown) => boolean = () => false,
): Clients {
  const fail = (error: unknown) => Promise.reject(errorOf(error));
  return {
    test: {
      emptyCall: (request, options = {}) => test.emptyCall(request, optionsOf(options)).catch(fail),
      unaryCall: (request, options = {}) =>
        (compresses(request) ? compressing : test).unaryCall(request, optionsOf(options)).catch(fail),
      streamingOutputCall: (request, options = {}) =>
        responsesOf(test.streamingOutputCall(request, optionsOf(options)), errorOf),
      streamingInputCall: (requests, options = {}) =>
        test.streamingInputCall(iterableOf(requests), optionsOf(options)).catch(fail),
      fullDuplexCall: (requests, options = {}) =>
        responsesOf(test.fullDuplexCall(iterableOf(requests), optionsOf(options)), errorOf),
      unimplementedCall: (request, options = {}) => test.unimplementedCall(request, optionsOf(options)).catch(fail),
    },
    unimplemented: {
      unimplementedCall: (request, options = {}) =>
        unimplemented.unimplementedCall(request, optionsOf(options)).catch(fail),
    },
  };
}

/** With a `throw`, which ends it: connect-node takes no other. */
function iterableOf<T>(source: MessageSource<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
      const end = async () => void (await iterator.return?.());
      return {
        next: async () => iterator.next(),
        return: async () => end().then(() => ({ done: true, value: undefined })),
        throw: async (error) => end().then(() => Promise.reject(error)),
      };
    },
  };
}

/** Begins the call at once, as the cases expect: a library may do so only where the first response is asked for. */
function responsesOf<T>(responses: AsyncIterable<T>, errorOf: (error: unknown) => unknown): AsyncIterable<T> {
  const iterator = responses[Symbol.asyncIterator]();
  const first = iterator.next();
  // Whoever reads it is told then.
  first.catch(() => {});
  return (async function* () {
    try {
      for (let next = await first; next.done !== true; next = await iterator.next()) yield next.value;
    } catch (error) {
      throw errorOf(error);
    }
  })();
}
