import type { SocketConnection, State } from "../../contract.js";
import type { Address } from "../resolver/address.js";
import { Subchannel, type SubchannelOwner } from "../subchannel/subchannel.js";
import type { Choose } from "./choose.js";
import type { Policy, PolicyContext } from "./policy.js";

/** Calls on connections to all addresses, each kept open; which of them a call takes is chosen for it. */
export class EveryAddress implements Policy, SubchannelOwner {
  readonly #context: PolicyContext;
  readonly #choose: Choose;
  #subchannels = new Map<string, Subchannel>();
  /** To addresses that are no more: they take calls until there is a connection to one that is. */
  readonly #leaving = new Map<string, Subchannel>();
  #ready: readonly SocketConnection[] = [];
  #isWanted = false;
  #isStopped = false;

  constructor(context: PolicyContext, choose: Choose) {
    this.#context = context;
    this.#choose = choose;
  }

  /** The best that any of them does. */
  get state(): State {
    if (this.#ready.length > 0) return "READY";
    const states = new Set([...this.#subchannels.values()].map(({ state }) => state));
    // One that is IDLE is about to be connected.
    if (states.has("CONNECTING") || states.has("IDLE")) return "CONNECTING";
    return states.has("TRANSIENT_FAILURE") ? "TRANSIENT_FAILURE" : "IDLE";
  }

  get reason(): string | undefined {
    return this.#failed?.reason;
  }

  get failure(): string | undefined {
    return this.#failed?.failure;
  }

  get #failed(): Subchannel | undefined {
    return [...this.#subchannels.values()].filter(({ reason }) => reason !== undefined).at(-1);
  }

  update(addresses: readonly Address[]): void {
    const before = this.#subchannels;
    this.#subchannels = new Map();
    for (const address of addresses) {
      const { name } = address;
      const known = before.get(name) ?? this.#leaving.get(name);
      before.delete(name);
      this.#leaving.delete(name);
      this.#subchannels.set(name, known ?? new Subchannel([address], this.#context, this));
    }
    for (const [name, subchannel] of before) {
      if (subchannel.connection === undefined) subchannel.retire();
      else this.#leaving.set(name, subchannel);
    }
    this.#changed();
    if (this.#isWanted) this.connect();
  }

  connect(): void {
    this.#isWanted = true;
    for (const subchannel of this.#subchannels.values()) subchannel.connect();
  }

  pick(): SocketConnection | undefined {
    return this.#choose(this.#ready);
  }

  connections(): readonly SocketConnection[] {
    return this.#ready;
  }

  stop(): void {
    this.#isStopped = true;
    for (const subchannel of [...this.#subchannels.values(), ...this.#leaving.values()]) subchannel.stop();
    this.#ready = [];
  }

  subchannelChanged(subchannel: Subchannel): void {
    if (this.#isStopped) return;
    this.#changed();
    // Lost: the others know no more of it than that the addresses may have changed.
    if (subchannel.state !== "IDLE" || ![...this.#subchannels.values()].includes(subchannel)) return;
    subchannel.connect();
    this.#context.refresh();
  }

  subchannelDue(subchannel: Subchannel): void {
    if ([...this.#subchannels.values()].includes(subchannel)) subchannel.connect();
    this.#context.refresh();
  }

  #changed(): void {
    const ready = connectionsOf(this.#subchannels);
    if (ready.length > 0) this.#retireLeaving();
    this.#ready = ready.length > 0 ? ready : connectionsOf(this.#leaving);
    this.#context.policyChanged();
  }

  #retireLeaving(): void {
    const leaving = [...this.#leaving.values()];
    this.#leaving.clear();
    for (const subchannel of leaving) subchannel.retire();
  }
}

function connectionsOf(subchannels: ReadonlyMap<string, Subchannel>): SocketConnection[] {
  return [...subchannels.values()].flatMap(({ connection }) => (connection === undefined ? [] : [connection]));
}
