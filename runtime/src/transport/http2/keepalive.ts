import { longestTimerMs } from "../../deadline.js";
import { longWaits } from "../../long-waits.js";
import type { Bucket, Expiring } from "../../timing-wheel.js";

/** What keepalive asks of a connection. */
export interface KeptAlive {
  /** Monotonic milliseconds. */
  readonly lastReadAt: number;
  readonly hasCalls: boolean;
  sendPing(onAnswer: () => void): void;
  /** It is dead. */
  onNoAnswer(): void;
}

/** Milliseconds. */
export interface KeepaliveTiming {
  readonly timeMs: number;
  readonly timeoutMs: number;
}

/** Pings a peer that is silent, and tells when it does not answer: the gRPC Keepalive document. */
export class Keepalive implements Expiring {
  readonly #connection: KeptAlive;
  readonly #timing: KeepaliveTiming;
  readonly #withoutCalls: boolean;
  #pingedAt: number | undefined;
  #isStopped = false;
  bucket: Bucket | undefined = undefined;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;

  constructor(connection: KeptAlive, timing: KeepaliveTiming, withoutCalls: boolean) {
    this.#connection = connection;
    this.#timing = timing;
    this.#withoutCalls = withoutCalls;
    this.#wait(timing.timeMs);
  }

  stop(): void {
    this.#isStopped = true;
    longWaits.remove(this);
  }

  onDeadline(): void {
    const pingedAt = this.#pingedAt;
    this.#pingedAt = undefined;
    // Whatever came since shows that the peer is there, and is only slow to answer.
    if (pingedAt === undefined || this.#connection.lastReadAt > pingedAt) this.#look();
    else this.#connection.onNoAnswer();
  }

  #wait(millis: number): void {
    const now = performance.now();
    longWaits.add(this, now + millis, now);
  }

  #look(): void {
    const { timeMs } = this.#timing;
    const silentMs = performance.now() - this.#connection.lastReadAt;
    if (silentMs < timeMs) this.#wait(timeMs - silentMs);
    else if (!this.#withoutCalls && !this.#connection.hasCalls) this.#wait(timeMs);
    else this.#ping();
  }

  #ping(): void {
    this.#pingedAt = performance.now();
    this.#wait(Math.min(this.#timing.timeoutMs, longestTimerMs));
    this.#connection.sendPing(() => {
      if (this.#isStopped) return;
      this.#pingedAt = undefined;
      longWaits.remove(this);
      this.#wait(this.#timing.timeMs);
    });
  }
}
