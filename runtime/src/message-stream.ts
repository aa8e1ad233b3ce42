/** Told by a stream of messages what its loop does. */
export interface MessageStreamOwner {
  /** One message was taken. */
  onTaken(): void;
  /** The loop was left before the end. */
  onLeft(): void;
}

/** Answers a `next()`: with a promise that has failed, too. */
type Answer<T> = (result: IteratorResult<T, undefined> | Promise<never>) => void;

/**
 * Messages on their way from a transport to a `for await` loop: pushed by the one, taken by the other.
 *
 * It holds only what its owner asked the transport for (who is told that one was taken asks for one more), so a slow loop
 * holds the sender and not the memory. And it has no lists of what is not there: streams that are open and silent are many.
 */
export class MessageStream<T> implements AsyncIterableIterator<T> {
  readonly #owner: MessageStreamOwner;
  #ready: T[] | undefined;
  /** For the next message: a loop asks for one at a time. */
  #answer: Answer<T> | undefined;
  /** For those behind it, where `next()` is called again before it is answered. */
  #later: Answer<T>[] | undefined;
  #ended = false;
  #error: unknown;

  constructor(owner: MessageStreamOwner) {
    this.#owner = owner;
  }

  push(message: T): void {
    if (this.#ended) return;
    const answer = this.#answer;
    if (answer !== undefined) {
      this.#answer = this.#later?.shift();
      answer({ done: false, value: message });
      this.#owner.onTaken();
    } else if (this.#ready === undefined) {
      this.#ready = [message];
    } else {
      this.#ready.push(message);
    }
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
    const ready = this.#ready;
    if (ready !== undefined) {
      const value = ready.shift() as T;
      if (ready.length === 0) this.#ready = undefined;
      this.#owner.onTaken();
      return Promise.resolve({ done: false, value });
    }
    if (!this.#ended) return new Promise((resolve) => this.#wait(resolve));
    const error = this.#error;
    if (error === undefined) return Promise.resolve({ done: true, value: undefined });
    this.#error = undefined;
    return Promise.reject(error);
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#ready = undefined;
    this.#error = undefined;
    if (!this.#ended) {
      this.#end(undefined);
      this.#owner.onLeft();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wait(answer: Answer<T>): void {
    if (this.#answer === undefined) {
      this.#answer = answer;
    } else {
      this.#later ??= [];
      this.#later.push(answer);
    }
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const first = this.#answer;
    const later = this.#later ?? [];
    this.#answer = undefined;
    this.#later = undefined;
    if (first === undefined) {
      this.#error = error;
      return;
    }
    first(error === undefined ? { done: true, value: undefined } : Promise.reject(error));
    for (const answer of later) answer({ done: true, value: undefined });
  }
}
