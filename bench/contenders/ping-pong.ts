/** For stacks that take requests as an async iterable: a message, and the next when its echo is here. */
export class PingPong<T> {
  readonly #message: T;
  #left: number;
  #next: (() => void) | undefined;

  constructor(message: T, count: number) {
    this.#message = message;
    this.#left = count;
  }

  /** To be called for every echo. */
  echoed(): void {
    this.#next?.();
  }

  async *requests(): AsyncGenerator<T> {
    while (this.#left-- > 0) {
      const echo = new Promise<void>((resolve) => {
        this.#next = resolve;
      });
      yield this.#message;
      await echo;
    }
  }
}

/** One message, and then none for as long as the call lives. */
export async function* oneAndNoMore<T>(message: T): AsyncGenerator<T> {
  yield message;
  await new Promise(() => {});
}

export async function* times<T>(message: T, count: number): AsyncGenerator<T> {
  for (let i = 0; i < count; i++) yield message;
}
