/**
 * Messages on their way from a transport to a `for await` loop: pushed by the one, taken by the other.
 *
 * It holds only what its owner asked the transport for (`onTake` asks for one more per message taken), so a slow loop
 * holds the sender and not the memory. Leaving the loop early calls `onLeave`.
 */
export class MessageStream<T> implements AsyncIterableIterator<T> {
  readonly #onTake: () => void;
  readonly #onLeave: () => void;
  #ready: T[] = [];
  #waiting: { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: unknown) => void }[] = [];
  #ended = false;
  #error: unknown;

  constructor(onTake: () => void, onLeave: () => void) {
    this.#onTake = onTake;
    this.#onLeave = onLeave;
  }

  push(message: T): void {
    if (this.#ended) return;
    const waiter = this.#waiting.shift();
    if (waiter === undefined) {
      this.#ready.push(message);
      return;
    }
    waiter.resolve({ done: false, value: message });
    this.#onTake();
  }

  /** No more messages; those that are here can still be taken. */
  close(): void {
    this.#end(undefined);
  }

  /** The loop throws `error` once it has taken what is here. */
  fail(error: unknown): void {
    this.#end(error);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#ready.length > 0) {
      const value = this.#ready.shift() as T;
      this.#onTake();
      return Promise.resolve({ done: false, value });
    }
    if (!this.#ended) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const error = this.#error;
    if (error === undefined) return Promise.resolve({ done: true, value: undefined });
    this.#error = undefined;
    return Promise.reject(error);
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#ready = [];
    this.#error = undefined;
    if (!this.#ended) {
      this.#end(undefined);
      this.#onLeave();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    if (first === undefined) {
      this.#error = error;
      return;
    }
    if (error === undefined) first.resolve({ done: true, value: undefined });
    else first.reject(error);
    for (const waiter of others) waiter.resolve({ done: true, value: undefined });
  }
}
