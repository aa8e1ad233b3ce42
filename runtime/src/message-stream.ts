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
  /** With the error that the loop has yet to throw, where there is one. */
  #end: { error: unknown } | undefined;

  constructor(owner: MessageStreamOwner) {
    this.#owner = owner;
  }

  push(message: T): void {
    if (this.#end !== undefined) return;
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
    this.fail(undefined);
  }

  /** The loop throws `error` once it has taken what is here. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    const first = this.#answer;
    const later = this.#later ?? [];
    this.#answer = undefined;
    this.#later = undefined;
    if (first === undefined) {
      this.#end = error === undefined ? ended : { error };
      return;
    }
    this.#end = ended;
    first(error === undefined ? { done: true, value: undefined } : Promise.reject(error));
    for (const answer of later) answer({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const ready = this.#ready;
    if (ready !== undefined) {
      const value = ready.shift() as T;
      if (ready.length === 0) this.#ready = undefined;
      this.#owner.onTaken();
      return Promise.resolve({ done: false, value });
    }
    if (this.#end === undefined) {
      return new Promise((resolve) => {
        if (this.#answer === undefined) this.#answer = resolve;
        else if (this.#later === undefined) this.#later = [resolve];
        else this.#later.push(resolve);
      });
    }
    const { error } = this.#end;
    this.#end = ended;
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#ready = undefined;
    const wasLeft = this.#end === undefined;
    this.close();
    this.#end = ended;
    if (wasLeft) this.#owner.onLeft();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Nothing is left to throw. */
const ended = { error: undefined };
