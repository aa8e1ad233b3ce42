import { RpcError } from "./error.js";
import { Code } from "./status.js";

/** The writing end of a stream, for code that sends when it has something rather than yielding: see {@link sender}. */
export interface Sender<T> extends AsyncIterable<T> {
  /**
   * Sends one message. Resolves when the transport wants more, so awaiting it holds a fast producer back.
   * Rejects with CANCELLED once the call is over, and with FAILED_PRECONDITION after `close()`.
   */
  send(message: T): Promise<void>;
  /** No more messages. */
  close(): void;
}

interface Pending<T> {
  readonly message: T;
  readonly resolve: () => void;
  readonly reject: (error: RpcError) => void;
}

/**
 * Makes a stream of requests (or responses) in the Send/CloseSend style:
 *
 * ```ts
 * const requests = sender<ChatMessage>();
 * const replies = client.chat(requests);
 * await requests.send({ text: "hello" });
 * requests.close();
 * ```
 */
export function sender<T>(): Sender<T> {
  return new Queue<T>();
}

class Queue<T> implements Sender<T>, AsyncIterator<T> {
  #pending: Pending<T>[] = [];
  /** The message that the transport has taken; done with when it asks for the next. */
  #taken: Pending<T> | undefined;
  #wanted: ((result: IteratorResult<T, undefined>) => void) | undefined;
  #closed = false;
  #over = false;

  send(message: T): Promise<void> {
    if (this.#over) return quiet(Promise.reject(ended()));
    if (this.#closed) {
      return quiet(Promise.reject(new RpcError(Code.FAILED_PRECONDITION, "send() after close() of the same sender")));
    }
    return quiet(
      new Promise((resolve, reject) => {
        this.#pending.push({ message, resolve, reject });
        this.#deliver();
      }),
    );
  }

  close(): void {
    this.#closed = true;
    this.#deliver();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.#taken?.resolve();
    this.#taken = undefined;
    return new Promise((resolve) => {
      this.#wanted = resolve;
      this.#deliver();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#over = true;
    this.#taken?.reject(ended());
    this.#taken = undefined;
    for (const { reject } of this.#pending) reject(ended());
    this.#pending = [];
    this.#deliver();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this;
  }

  #deliver(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const next = this.#pending.shift();
    if (next === undefined && !this.#closed && !this.#over) return;
    this.#wanted = undefined;
    this.#taken = next;
    wanted(next === undefined ? { done: true, value: undefined } : { done: false, value: next.message });
  }
}

function ended(): RpcError {
  return new RpcError(Code.CANCELLED, "the call has ended; its own error says why");
}

/** Who does not await a send learns of the call's end elsewhere; the process must not die of it. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
