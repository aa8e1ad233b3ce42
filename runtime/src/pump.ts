import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessageSource } from "./contract.js";
import { describe } from "./error.js";

/**
 * After so many messages the event loop gets a turn: a source that always has more, and a socket that always takes more,
 * would otherwise keep cancellations and other calls waiting.
 */
const messagesPerTurn = 64;

/** Where a pump puts messages. */
export interface PumpTarget<T> {
  /** False asks to wait for `writable()` of the pump. */
  send(message: T): boolean;
  /** The source has ended. */
  end(): void;
  /** The source, or `send`, has thrown. */
  fail(thrown: unknown): void;
}

/**
 * Carries messages from a user's iterable to a transport, no faster than the transport takes them: requests of a
 * client, responses of a server. However it ends, the iterable is told (`return()`), so that a generator's `finally`
 * runs even when the call ends while it waits.
 */
export class Pump<T> {
  readonly #iterator: AsyncIterator<T> | Iterator<T>;
  readonly #target: PumpTarget<T>;
  #sent = 0;
  #resume: (() => void) | undefined;
  #stopped = false;
  // Bound, which takes less than a closure and its scope.
  readonly #onResult = this.#take.bind(this);
  readonly #onFailure = this.#fail.bind(this);

  /** @throws TypeError for a source that cannot be iterated */
  constructor(source: MessageSource<T> | undefined, target: PumpTarget<T>) {
    this.#iterator = iterate(source);
    this.#target = target;
  }

  /**
   * Takes the next message, and goes on when it is there. Not the loop of an async function: what such a function keeps
   * while it waits is more than all else that is kept of a stream's pump, and most streams wait most of the time.
   */
  run(): void {
    try {
      Promise.resolve(this.#iterator.next()).then(this.#onResult, this.#onFailure);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #take(result: IteratorResult<T>): void {
    if (this.#stopped) return;
    try {
      if (result.done !== true) {
        if (++this.#sent % messagesPerTurn !== 0) this.#send(result.value);
        else void this.#sendLater(result.value);
        return;
      }
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    this.#stopped = true;
    this.#target.end();
  }

  async #sendLater(message: T): Promise<void> {
    try {
      await nextTurn();
      this.#send(message);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #send(message: T): void {
    if (this.#target.send(message)) {
      this.run();
      return;
    }
    const hasRoom = new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    // Its own promise: whoever tells of the room does not do so on behalf of this call.
    void hasRoom.then(() => {
      if (!this.#stopped) this.run();
    });
  }

  // Also where the call is over already: what a handler throws then is still its fault, and somebody's to know.
  #fail(thrown: unknown): void {
    this.stop();
    this.#target.fail(thrown);
  }

  /** The transport takes more. */
  writable(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** The call is over. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.writable();
    // The call's own end is what its caller hears of; what a generator throws while it is being closed comes too late.
    Promise.resolve()
      .then(() => this.#iterator.return?.())
      .catch(() => {});
  }
}

/** The source as an async iterable; throws a TypeError at once where it cannot be iterated. */
export function toAsyncIterable<T>(source: MessageSource<T>): AsyncIterable<T> {
  const iterator = iterate(source);
  // Not the source again: some can be iterated once only, a ReadableStream for one.
  if (Symbol.asyncIterator in source) return { [Symbol.asyncIterator]: () => iterator as AsyncIterator<T> };
  return (async function* () {
    yield* { [Symbol.iterator]: () => iterator as Iterator<T> };
  })();
}

function iterate<T>(source: MessageSource<T> | undefined): AsyncIterator<T> | Iterator<T> {
  const candidate: Partial<AsyncIterable<T> & Iterable<T>> | undefined | null = source;
  if (typeof candidate === "object" && candidate !== null) {
    if (typeof candidate[Symbol.asyncIterator] === "function") return candidate[Symbol.asyncIterator]!();
    if (typeof candidate[Symbol.iterator] === "function") return candidate[Symbol.iterator]!();
  }
  throw new TypeError(`a stream must be an async iterable (an async generator, a sender()), not ${describe(source)}`);
}
