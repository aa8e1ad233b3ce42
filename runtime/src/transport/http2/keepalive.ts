import { longestTimerMs } from "../../deadline.js";

/** What keepalive asks of a connection. */
export interface KeptAlive {
  /** Monotonic milliseconds. */
  readonly lastReadAt: number;
  readonly hasCalls: boolean;
  sendPing(onAnswer: () => void): void;
  /** It is dead. */
  onNoAnswer(): void;
}

/** Pings a peer that is silent, and tells when it does not answer: the gRPC Keepalive document. */
export class Keepalive {
  readonly #connection: KeptAlive;
  readonly #timeMs: number;
  readonly #timeoutMs: number;
  readonly #withoutCalls: boolean;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    connection: KeptAlive,
    options: { readonly timeMs: number; readonly timeoutMs: number; readonly withoutCalls: boolean },
  ) {
    this.#connection = connection;
    this.#timeMs = options.timeMs;
    this.#timeoutMs = options.timeoutMs;
    this.#withoutCalls = options.withoutCalls;
    if (this.#timeMs <= longestTimerMs) this.#wait(this.#timeMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #wait(millis: number): void {
    this.#timer = setTimeout(() => this.#look(), millis).unref();
  }

  #look(): void {
    const silentMs = performance.now() - this.#connection.lastReadAt;
    // A timer of Node.js may be early by a millisecond.
    if (silentMs < this.#timeMs - 1) this.#wait(Math.max(1, this.#timeMs - silentMs));
    else if (!this.#withoutCalls && !this.#connection.hasCalls) this.#wait(this.#timeMs);
    else this.#ping();
  }

  #ping(): void {
    const pingedAt = performance.now();
    this.#timer = setTimeout(
      () => {
        // Whatever came since shows that the peer is there, and is only slow to answer.
        if (this.#connection.lastReadAt > pingedAt) this.#look();
        else this.#connection.onNoAnswer();
      },
      Math.min(this.#timeoutMs, longestTimerMs),
    ).unref();
    this.#connection.sendPing(() => {
      if (this.#isStopped) return;
      clearTimeout(this.#timer);
      this.#wait(this.#timeMs);
    });
  }
}
