import type { ConnectionEvent, SocketConnection, State } from "../../contract.js";
import { longestTimerMs } from "../../deadline.js";
import type { Address } from "../resolver/address.js";
import { Backoff } from "./backoff.js";
import { type ConnectionPlan, PeerConnection, type PeerConnectionOwner } from "./peer-connection.js";
import { Round } from "./round.js";

/** What the subchannels of a channel share. */
export interface SubchannelContext extends ConnectionPlan {
  /** Events come after the state that goes with them. */
  report(event: ConnectionEvent): void;
  /** There may be room for calls that wait. */
  onRoom(): void;
  onOpened(connection: PeerConnection): void;
  onClosed(connection: PeerConnection): void;
}

/** Told by a subchannel. */
export interface SubchannelOwner {
  /** Its state, or the connection that takes its calls, has changed. */
  subchannelChanged(subchannel: Subchannel): void;
  /** The wait after a failed attempt is over: `connect()` makes the next. */
  subchannelDue(subchannel: Subchannel): void;
}

/**
 * One connection at a time to any of some addresses, made again when it is wanted (gRPC Connectivity Semantics). After a
 * failure it is in TRANSIENT_FAILURE until it is READY, also while it tries again: calls do not wait for what has just
 * failed (gRFC A62).
 */
export class Subchannel implements PeerConnectionOwner {
  readonly #context: SubchannelContext;
  readonly #owner: SubchannelOwner;
  /** Undefined where it has not failed since it was last connected. */
  #backoff: Backoff | undefined;
  #addresses: readonly Address[];
  #round: Round | undefined;
  /** Until the next attempt. */
  #timer: NodeJS.Timeout | undefined;
  #peer: PeerConnection | undefined;
  /** In the place of that, when it is healthy. */
  #next: PeerConnection | undefined;
  #wasLostEarly = false;
  #isStopped = false;
  state: State = "IDLE";
  /** Why it last failed, or is not healthy. */
  reason: string | undefined;
  /** The connection that takes calls. */
  connection: SocketConnection | undefined;

  constructor(addresses: readonly Address[], context: SubchannelContext, owner: SubchannelOwner) {
    this.#addresses = addresses;
    this.#context = context;
    this.#owner = owner;
  }

  /** Begins to connect, unless it is connected, is at it, or waits after a failure. */
  connect(): void {
    if (this.#isStopped || this.#addresses.length === 0) return;
    if (this.#peer !== undefined || this.#round !== undefined || this.#timer !== undefined) return;
    if (this.state === "IDLE") this.#become("CONNECTING");
    this.#beginRound();
  }

  /**
   * These are its addresses from now on. A connection to one of them stays; another takes calls until there is one to
   * them. What waits after a failure, or tries others, tries these at once.
   */
  use(addresses: readonly Address[]): void {
    const isSame = areSame(addresses, this.#addresses);
    this.#addresses = addresses;
    const isMeant = (peer: PeerConnection | undefined) => addresses.some(({ name }) => name === peer?.address.name);
    const stays = isMeant(this.#peer);
    if (this.#next !== undefined && (stays || !isMeant(this.#next))) {
      this.#next.retire();
      this.#next = undefined;
    }
    const isTrying = this.#round !== undefined || this.#timer !== undefined;
    if (isTrying && (stays || !isSame)) this.#stopTrying();
    const wantsOther = this.#peer === undefined ? isTrying : !stays;
    const hasOther = this.#round !== undefined || this.#timer !== undefined || this.#next !== undefined;
    if (wantsOther && !hasOther) this.#beginRound();
  }

  /** Connects no more. The connection that there is, is its channel's to close. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTrying();
    this.connection = undefined;
    this.#peer?.stopChecking();
    this.#next?.stopChecking();
  }

  #stopTrying(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#round?.abandon();
    this.#round = undefined;
  }

  /** Stops, and lets the calls on its connection end there. */
  retire(): void {
    this.stop();
    this.#peer?.retire();
    this.#next?.retire();
  }

  /** Why calls fail, where they do. */
  get failure(): string | undefined {
    if (this.reason === undefined || this.#peer !== undefined) return this.reason;
    return `no connection could be made: ${this.reason}`;
  }

  #beginRound(): void {
    if (this.#isStopped || this.#addresses.length === 0) return;
    const begin = (address: Address) => new PeerConnection(address, this.#context, this);
    this.#round = new Round(this.#addresses, begin, (reason) => this.#roundLost(reason));
  }

  #roundLost(reason: string): void {
    this.#round = undefined;
    // In the place of one that still works: that stays, until the addresses are looked up again.
    if (this.#peer === undefined) this.#fail(reason);
  }

  #fail(reason: string): void {
    this.#backoff ??= new Backoff(this.#context.backoff);
    const { aboutMs, waitMs } = this.#backoff.next();
    this.reason = reason;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#owner.subchannelDue(this);
      },
      Math.min(waitMs, longestTimerMs),
    ).unref();
    this.#become("TRANSIENT_FAILURE");
    this.#context.report({ type: "backoff", reason, backoffMs: aboutMs });
  }

  #become(state: State): void {
    this.state = state;
    this.#owner.subchannelChanged(this);
  }

  // ── Reported by connections ──

  connectionReady(connection: PeerConnection): void {
    this.#round?.won(connection);
    this.#round = undefined;
    this.#backoff = undefined;
    this.#context.onOpened(connection);
    if (this.#peer === undefined) this.#peer = connection;
    else this.#next = connection;
    this.#settle();
    this.#context.report({ type: "connected", peer: connection.peer });
    this.#context.onRoom();
  }

  connectionJudged(connection: PeerConnection): void {
    if (connection !== this.#peer && connection !== this.#next) return;
    this.#settle();
    const { verdict, reason = "" } = connection;
    if (verdict !== "CONNECTING") this.#context.report({ type: "health", serving: verdict === "READY", reason });
    this.#context.onRoom();
  }

  /** Does what its connection does: of two the new one, as soon as that may be given calls. */
  #settle(): void {
    if (this.#next?.verdict === "READY") {
      this.#peer?.retire();
      this.#peer = this.#next;
      this.#next = undefined;
    }
    const { verdict, reason, speaking } = this.#peer!;
    this.reason = verdict === "READY" ? undefined : reason;
    this.connection = verdict === "READY" ? speaking : undefined;
    this.#become(verdict);
  }

  connectionFailed(connection: PeerConnection, reason: string): void {
    this.#round?.failed(connection, reason);
  }

  connectionRoom(): void {
    this.#context.onRoom();
  }

  connectionGoaway(connection: PeerConnection, reason: string): void {
    this.#leave(connection, { type: "goaway", peer: connection.peer, reason });
  }

  connectionClosed(connection: PeerConnection, reason: string): void {
    this.#context.onClosed(connection);
    this.#leave(connection, { type: "disconnected", peer: connection.peer, reason });
  }

  /**
   * It takes no more calls. One that was good for nothing is made again at once; the second of that kind counts as a
   * failed attempt, or a server that drops whom it has just accepted would be connected to without end.
   */
  #leave(connection: PeerConnection, event: ConnectionEvent & { readonly type: "goaway" | "disconnected" }): void {
    const isCurrent = connection === this.#peer;
    if (connection === this.#next) this.#next = undefined;
    if (isCurrent) {
      this.#peer = this.#next;
      this.#next = undefined;
    }
    if (!isCurrent || this.#isStopped || this.#peer !== undefined) {
      if (isCurrent && !this.#isStopped) this.#settle();
      this.#context.report(event);
      return;
    }
    this.connection = undefined;
    this.reason = undefined;
    const isEarly = !connection.hasWorked;
    if (isEarly && this.#wasLostEarly && this.#round === undefined) {
      this.#context.report(event);
      this.#fail(`${connection.address.name}: ${event.reason}`);
      return;
    }
    this.#wasLostEarly = isEarly;
    this.#become(this.#round === undefined ? "IDLE" : "CONNECTING");
    this.#context.report(event);
  }
}

/** Name servers give the same addresses in another order each time. */
function areSame(some: readonly Address[], others: readonly Address[]): boolean {
  const names = new Set(some.map(({ name }) => name));
  return others.length === some.length && others.every(({ name }) => names.has(name));
}
