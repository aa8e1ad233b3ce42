import { AsyncResource } from "node:async_hooks";

/** Tasks that may follow each other before the event loop gets its turn: for timers, sockets, everybody else. */
const tasksInARow = 64;

/** As they are when this is loaded: a test that fakes timers moves the deadlines of calls, and stops no call. */
const { queueMicrotask: soon, setImmediate: nextTurn } = globalThis;

/**
 * When one end of a call hears of what the other has done: soon, in order, and never inside of that.
 *
 * What is done here runs on behalf of whoever made this, as what a socket reports does: a handler must not find the
 * values that its caller keeps in an `AsyncLocalStorage`.
 */
export class Turns {
  readonly #scope = new AsyncResource("TRUNKLINE_IN_PROCESS");
  #tasks: (() => void)[] = [];
  #isScheduled = false;
  #inARow = 0;

  post(task: () => void): void {
    this.#tasks.push(task);
    if (!this.#isScheduled) this.#schedule();
  }

  #schedule(): void {
    this.#isScheduled = true;
    if (this.#inARow < tasksInARow) return soon(this.#run);
    this.#inARow = 0;
    nextTurn(this.#run);
  }

  readonly #run = (): void => this.#scope.runInAsyncScope(this.#work, this);

  #work(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#isScheduled = false;
    this.#inARow += tasks.length;
    let begun = 0;
    try {
      for (const task of tasks) {
        begun++;
        task();
      }
    } finally {
      // One has thrown: that is for the process to hear of, and the others come all the same.
      if (begun < tasks.length) {
        this.#tasks.unshift(...tasks.slice(begun));
        if (!this.#isScheduled) this.#schedule();
      }
    }
  }
}
