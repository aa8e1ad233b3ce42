/** Milliseconds in which a peer has to complete what it has begun: as many as it has for everything else here. */
const completionMs = 20_000;

/**
 * How long a frame or a header block may be on its way. Nothing else can come until it is whole, so that no ping is
 * answered meanwhile, and every byte of it makes its peer look alive. There is a timer only while something is missing.
 */
export class Lateness {
  readonly #onLate: (reason: string) => void;
  /** What is not whole; each is an object of its own. */
  #unfinished: object | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(onLate: (reason: string) => void) {
    this.#onLate = onLate;
  }

  /** What is missing a part now: what was told of last time, or something else, which has its own time. */
  watch(unfinished: object | undefined, name: string): void {
    if (unfinished === this.#unfinished) return;
    this.stop();
    this.#unfinished = unfinished;
    if (unfinished === undefined) return;
    this.#timer = setTimeout(
      () => this.#onLate(`${name} that was not whole within ${completionMs} ms`),
      completionMs,
    ).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
