import { longestTimerMs } from "../../deadline.js";
import { RpcError } from "../../error.js";
import { Backoff } from "../subchannel/backoff.js";
import type { Address } from "./address.js";
import type { AddressSource } from "./resolve.js";

/** Told what has become of a look at the addresses of a target. */
export interface ResolutionListener {
  /** Those that it has, or had when they could last be found. */
  onAddresses(addresses: readonly Address[]): void;
  /** None is known; it is tried again after about so many milliseconds. */
  onUnresolved(reason: string, backoffMs: number): void;
}

/** Durations are milliseconds; `Infinity` is never. */
export interface ResolutionTiming {
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
  /** For an answer. */
  readonly connectTimeoutMs: number;
  /** Looks again by itself. */
  readonly resolveEveryMs: number;
}

/**
 * The addresses of a target, as fresh as they need to be: looked up before each attempt to connect, and no more often
 * than the shortest backoff allows, so that a connection that is lost again and again is no storm on the name servers.
 */
export class Resolution {
  readonly #source: AddressSource;
  readonly #timing: ResolutionTiming;
  readonly #listener: ResolutionListener;
  /** Undefined where there were addresses when it last looked. */
  #backoff: Backoff | undefined;
  #known: readonly Address[] | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: AddressSource, timing: ResolutionTiming, listener: ResolutionListener) {
    this.#source = source;
    this.#timing = timing;
    this.#listener = listener;
  }

  /** Has the listener told, at once or when the answer is there; once where it is asked several times meanwhile. */
  refresh(): void {
    if (this.#isStopped || this.#isLooking) return;
    if (this.#known !== undefined && !this.#isStale()) this.#listener.onAddresses(this.#known);
    else void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #isStale(): boolean {
    return this.#source.changes && performance.now() - this.#lookedAt >= Backoff.shortest(this.#timing.backoff);
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isLooking = true;
    this.#lookedAt = performance.now();
    const found = await this.#answer();
    this.#isLooking = false;
    if (this.#isStopped) return;
    if (typeof found !== "string") this.#known = found;
    if (this.#known !== undefined) {
      this.#backoff = undefined;
      // Where it cannot be looked up now, it is most likely where it was.
      this.#lookIn(this.#timing.resolveEveryMs);
      this.#listener.onAddresses(this.#known);
      return;
    }
    this.#backoff ??= new Backoff(this.#timing.backoff);
    const { aboutMs, waitMs } = this.#backoff.next();
    this.#lookIn(waitMs);
    this.#listener.onUnresolved(found as string, aboutMs);
  }

  /** The addresses, or why there are none. */
  async #answer(): Promise<readonly Address[] | string> {
    const { connectTimeoutMs } = this.#timing;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<string>((resolve) => {
      const late = () => resolve(`the name was not resolved within ${connectTimeoutMs} ms`);
      timer = setTimeout(late, Math.min(connectTimeoutMs, longestTimerMs)).unref();
    });
    try {
      const found = await Promise.race([this.#source.find(), tooLate]);
      return found.length === 0 ? "the name has no addresses" : found;
    } catch (error) {
      return RpcError.from(error).details;
    } finally {
      clearTimeout(timer);
    }
  }

  #lookIn(millis: number): void {
    if (millis > longestTimerMs || (this.#known !== undefined && !this.#source.changes)) return;
    this.#timer = setTimeout(() => void this.#look(), millis).unref();
  }
}
