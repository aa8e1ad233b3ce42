/** The client of every stack whose calls are promises and async iterables: written once, so that all are driven alike. */
import type { BenchClient, CallStyle, Done, Shape, StreamShape } from "./contender.js";
import { chunk, order, small } from "./messages.js";
import { oneAndNoMore, PingPong, times } from "./ping-pong.js";

type Small = typeof small;
type Chunk = typeof chunk;

/** What such a stack's generated client looks like, give or take the fields that its messages have beside ours. */
export interface IterableCalls<Options> {
  echoSmall(request: Small, options?: Options): Promise<unknown>;
  echoOrder(request: typeof order, options?: Options): Promise<unknown>;
  download(request: { count: number }): AsyncIterable<unknown>;
  downloadChunks(request: { count: number }): AsyncIterable<unknown>;
  upload(requests: AsyncIterable<Small>): Promise<unknown>;
  uploadChunks(requests: AsyncIterable<Chunk>): Promise<unknown>;
  pingPong(requests: AsyncIterable<Small>): AsyncIterable<unknown>;
}

export class IterableClient<Options> implements BenchClient {
  readonly #calls: IterableCalls<Options>;
  /** Options of a call with a deadline, a signal and metadata, made anew. */
  readonly #options: () => Options;
  readonly #close: () => Promise<void> | void;

  constructor(calls: IterableCalls<Options>, options: () => Options, close: () => Promise<void> | void) {
    this.#calls = calls;
    this.#options = options;
    this.#close = close;
  }

  echo(shape: Shape, style: CallStyle, done: Done): void {
    const options = style === "plain" ? undefined : this.#options();
    const reply = shape === "small" ? this.#calls.echoSmall(small, options) : this.#calls.echoOrder(order, options);
    reply.then(() => done(), done);
  }

  download(shape: StreamShape, count: number, done: Done): void {
    const replies = shape === "small" ? this.#calls.download({ count }) : this.#calls.downloadChunks({ count });
    readAll(replies, () => {}, done);
  }

  upload(shape: StreamShape, count: number, done: Done): void {
    const reply =
      shape === "small" ? this.#calls.upload(times(small, count)) : this.#calls.uploadChunks(times(chunk, count));
    reply.then(() => done(), done);
  }

  pingPong(count: number, done: Done): void {
    const game = new PingPong(small, count);
    readAll(this.#calls.pingPong(game.requests()), () => game.echoed(), done);
  }

  hold(done: Done): void {
    let told = false;
    const tell = (error?: unknown) => {
      if (!told) done(error);
      told = true;
    };
    readAll(this.#calls.pingPong(oneAndNoMore(small)), tell, tell);
  }

  close(): Promise<void> | void {
    return this.#close();
  }
}

async function readAll(replies: AsyncIterable<unknown>, each: () => void, done: Done): Promise<void> {
  try {
    for await (const _ of replies) each();
  } catch (error) {
    done(error);
    return;
  }
  done();
}
