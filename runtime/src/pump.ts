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
  #resume: (() => void) | undefined;
  #stopped = false;

  /** @throws TypeError for a source that cannot be iterated */
  constructor(source: MessageSource<T> | undefined, target: PumpTarget<T>) {
    this.#iterator = iterate(source);
    this.#target = target;
  }

  async run(): Promise<void> {
    try {
      for (let sent = 1; ; sent++) {
        const result = await this.#iterator.next();
        if (this.#stopped) return;
        if (result.done === true) break;
        if (sent % messagesPerTurn === 0) await nextTurn();
        if (!this.#target.send(result.value)) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
          if (this.#stopped) return;
        }
      }
    } catch (thrown) {
      // Also where the call is over already: what a handler throws then is still its fault, and somebody's to know.
      this.stop();
      this.#target.fail(thrown);
      return;
    }
    this.#stopped = true;
    this.#target.end();
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
  if (Symbol.asyncIterator in source) return source;
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
