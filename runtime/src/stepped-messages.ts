import type { MessageSource } from "./contract.js";
import { toAsyncIterable } from "./pump.js";

/** Takes the next message of a stream; what it resolves to, or throws, is what the reader gets. */
export type Step<T> = (next: () => Promise<IteratorResult<T>>) => Promise<IteratorResult<T>>;

/**
 * The same messages, each taken through `step`.
 *
 * No generator: the `return()` of an async generator waits for a `next()` that is under way, so that leaving a stream on
 * which nothing happens would not reach its source; and one that is left before its first step never runs at all.
 *
 * @param source what cannot be iterated throws a TypeError once the stream is begun
 * @param onLeft once, when the reader leaves before the end
 */
export function steppedMessages<T>(
  source: MessageSource<T>,
  step: Step<T>,
  onLeft: () => void = () => {},
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
      let over = false;
      return {
        async next() {
          if (over) return { done: true, value: undefined };
          try {
            const result = await step(async () => iterator.next());
            if (result.done === true) over = true;
            return result;
          } catch (error) {
            over = true;
            // Where the step gave up on its source, which may be stuck: what it does now comes too late.
            Promise.resolve(iterator.return?.()).catch(() => {});
            throw error;
          }
        },
        async return() {
          if (!over) onLeft();
          over = true;
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
