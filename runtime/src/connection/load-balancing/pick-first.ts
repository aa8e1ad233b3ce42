import type { SocketConnection, State } from "../../contract.js";
import type { Address } from "../resolver/address.js";
import { Subchannel, type SubchannelOwner } from "../subchannel/subchannel.js";
import type { Policy, PolicyContext } from "./policy.js";
import { shuffledInTurn } from "./shuffle.js";

/** All calls on one connection, to the first address that can be reached; lost, it is made again when it is wanted. */
export class PickFirst implements Policy, SubchannelOwner {
  readonly #context: PolicyContext;
  readonly #shuffles: boolean;
  readonly #subchannel: Subchannel;
  /** As they were found. */
  #found: readonly Address[] = [];
  /** As they are tried. */
  #order: readonly Address[] = [];

  /** @param shuffles in another order each time they are found, so that many clients do not all go to the same server */
  constructor(context: PolicyContext, shuffles: boolean) {
    this.#context = context;
    this.#shuffles = shuffles;
    this.#subchannel = new Subchannel([], context, this);
  }

  get state(): State {
    return this.#subchannel.state;
  }

  get reason(): string | undefined {
    return this.#subchannel.reason;
  }

  get failure(): string | undefined {
    return this.#subchannel.failure;
  }

  update(addresses: readonly Address[]): void {
    if (addresses !== this.#found) {
      this.#found = addresses;
      this.#order = this.#shuffles ? shuffledInTurn(addresses) : addresses;
    }
    this.#subchannel.use(this.#order);
  }

  connect(): void {
    this.#subchannel.connect();
  }

  pick(): SocketConnection | undefined {
    const { connection } = this.#subchannel;
    return connection?.hasRoom === true ? connection : undefined;
  }

  connections(): readonly SocketConnection[] {
    const { connection } = this.#subchannel;
    return connection === undefined ? [] : [connection];
  }

  stop(): void {
    this.#subchannel.stop();
  }

  subchannelChanged(): void {
    this.#context.policyChanged();
  }

  /** The name may lead elsewhere by now. */
  subchannelDue(): void {
    this.#context.refresh();
  }
}
