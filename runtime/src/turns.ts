import { AsyncResource } from "node:async_hooks";

/** As they are when this is loaded: a test that fakes timers moves the deadlines of calls, and stops no call. */
const { queueMicrotask: soon, setImmediate: nextTurn } = globalThis;

/**
 * When one end of a call hears of what the other has done: in a later turn of the event loop, in order.
 *
 * Microtasks would save a call a microsecond of its twenty, and be unlike any wire: an answer would overtake what its
 * handler still has to finish, and two ends with always more to say would keep timers and sockets waiting.
 *
 * What is done here runs on behalf of whoever made this, as what a socket reports does: a handler must not find the
 * values that its caller keeps in an `AsyncLocalStorage`.
 */
export class Turns {
  readonly #scope = new AsyncResource("TRUNKLINE_TURNS");
  #tasks: (() => void)[] = [];

  post(task: () => void): void {
    if (this.#tasks.push(task) === 1) nextTurn(this.#run);
  }

  /** In this turn, after what runs now: for what one end has done to itself, and the other has yet to hear of. */
  postSoon(task: () => void): void {
    soon(() => this.#scope.runInAsyncScope(task));
  }

  readonly #run = (): void => this.#scope.runInAsyncScope(this.#work, this);

  #work(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    let begun = 0;
    try {
      for (const task of tasks) {
        begun++;
        task();
      }
    } finally {
      // One has thrown: that is for the process to hear of, and the others come all the same, in their order.
      if (begun < tasks.length) {
        if (this.#tasks.length === 0) nextTurn(this.#run);
        this.#tasks.unshift(...tasks.slice(begun));
      }
    }
  }
}
