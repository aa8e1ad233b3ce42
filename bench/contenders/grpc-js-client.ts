/** A client as one writes it on @grpc/grpc-js by hand, with the stubs of ts-proto: callbacks and events. */
import {
  type ClientDuplexStream,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { BenchServiceClient, type Chunk, type Small } from "../gen/ts-proto-grpc-js/bench.js";
import type { BenchClient, CallStyle, ClientStack, Done, Shape, StreamShape } from "./contender.js";
import { chunk, deadlineMs, metadata, order, small } from "./messages.js";
import { authority, type Security } from "./security.js";

/** Passes every part of a call on, as an interceptor does that looks at all of them. */
const passOn: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start: (metadata, _listener, next) =>
      next(metadata, {
        onReceiveMetadata: (headers, next) => next(headers),
        onReceiveMessage: (message, next) => next(message),
        onReceiveStatus: (status, next) => next(status),
      }),
    sendMessage: (message, next) => next(message),
    halfClose: (next) => next(),
  });

class GrpcJsClient implements BenchClient {
  readonly #client: BenchServiceClient;

  constructor(port: number, interceptors: number, security: Security) {
    const channelCredentials =
      security === "plaintext" ? credentials.createInsecure() : credentials.createSsl(authority());
    this.#client = new BenchServiceClient(`127.0.0.1:${port}`, channelCredentials, {
      // Without it, clients of one process share a connection.
      "grpc.use_local_subchannel_pool": 1,
      ...(interceptors === 0 ? {} : { interceptors: new Array<Interceptor>(interceptors).fill(passOn) }),
    });
  }

  echo(shape: Shape, style: CallStyle, done: Done): void {
    if (style === "plain") {
      const hear = (error: ServiceError | null) => done(error ?? undefined);
      if (shape === "small") this.#client.echoSmall(small, hear);
      else this.#client.echoOrder(order, hear);
      return;
    }
    const { signal } = new AbortController();
    const headers = new Metadata();
    for (const [key, value] of Object.entries(metadata)) headers.set(key, value);
    const options = { deadline: Date.now() + deadlineMs };
    const hear = (error: ServiceError | null) => {
      signal.removeEventListener("abort", cancel);
      done(error ?? undefined);
    };
    const call =
      shape === "small"
        ? this.#client.echoSmall(small, headers, options, hear)
        : this.#client.echoOrder(order, headers, options, hear);
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel);
  }

  download(shape: StreamShape, count: number, done: Done): void {
    const stream = shape === "small" ? this.#client.download({ count }) : this.#client.downloadChunks({ count });
    let failure: unknown;
    stream.on("data", () => {});
    stream.on("error", (error) => {
      failure = error;
    });
    stream.on("close", () => done(failure));
  }

  upload(shape: StreamShape, count: number, done: Done): void {
    const hear = (error: ServiceError | null) => done(error ?? undefined);
    if (shape === "small") writeAll<Small>(this.#client.upload(hear), small, count);
    else writeAll<Chunk>(this.#client.uploadChunks(hear), chunk as Chunk, count);
  }

  pingPong(count: number, done: Done): void {
    const stream = this.#client.pingPong();
    let left = count;
    const send = () => (left-- > 0 ? stream.write(small) : stream.end());
    stream.on("data", send);
    finish(stream, done);
    send();
  }

  hold(done: Done): void {
    const stream = this.#client.pingPong();
    stream.once("data", () => done());
    stream.on("error", () => {}); // The end of the process cuts it.
    stream.write(small);
  }

  close(): void {
    this.#client.close();
  }
}

interface Writing<T> {
  write(message: T): boolean;
  end(): void;
  once(event: "drain", listener: () => void): unknown;
}

export function writeAll<T>(stream: Writing<T>, message: T, count: number): void {
  let left = count;
  const go = () => {
    while (left > 0) {
      left--;
      if (!stream.write(message)) {
        stream.once("drain", go);
        return;
      }
    }
    stream.end();
  };
  go();
}

function finish(stream: ClientDuplexStream<Small, Small>, done: Done): void {
  let failure: unknown;
  stream.on("error", (error) => {
    failure = error;
  });
  stream.on("close", () => done(failure));
}

export const grpcJsClient = (security: Security): ClientStack => ({
  connect: (port, { interceptors }) => new GrpcJsClient(port, interceptors, security),
});
