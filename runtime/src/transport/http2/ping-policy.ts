import { ConnectionError, ErrorCode } from "./frames.js";

/** Without calls, where pings are not allowed then: gRFC A8. */
const idleMinTimeMs = 2 * 3_600_000;

/** Pings that come too early are forgiven so often. */
const mostStrikes = 2;

/** How often clients may ping: the gRPC Keepalive document, "Server Enforcement". */
export class PingPolicy {
  readonly #minTimeMs: number;
  readonly #withoutCalls: boolean;
  #lastAt = Number.NEGATIVE_INFINITY;
  #strikes = 0;

  constructor({ minTimeMs, withoutCalls }: { readonly minTimeMs: number; readonly withoutCalls: boolean }) {
    this.#minTimeMs = minTimeMs;
    this.#withoutCalls = withoutCalls;
  }

  /** @throws ConnectionError over too many (ENHANCE_YOUR_CALM, too_many_pings) */
  onPing(hasCalls: boolean): void {
    const now = performance.now();
    const minTimeMs = hasCalls || this.#withoutCalls ? this.#minTimeMs : idleMinTimeMs;
    const isEarly = now - this.#lastAt < minTimeMs;
    this.#lastAt = now;
    if (isEarly && ++this.#strikes > mostStrikes)
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "too_many_pings");
  }

  /** Whoever is sent something may ping: to measure how fast that comes. */
  onSent(): void {
    this.#strikes = 0;
    this.#lastAt = Number.NEGATIVE_INFINITY;
  }
}
