import type { SocketConnection, State } from "../../contract.js";
import type { Address } from "../resolver/address.js";
import type { SubchannelContext } from "../subchannel/subchannel.js";

/** Decides which addresses are connected to, and which connection takes a call. */
export interface Policy {
  /** What its connections are doing together: IDLE as long as it has no addresses. */
  readonly state: State;
  /** Why there is no connection, where there is none. */
  readonly reason: string | undefined;
  /** The same, as a call that fails for it says so. */
  readonly failure: string | undefined;
  /** The addresses that there are from now on. */
  update(addresses: readonly Address[]): void;
  /** Connects what is to be connected, and is not waiting after a failure. */
  connect(): void;
  /** For the next call, one that has room; undefined where there is none. */
  pick(): SocketConnection | undefined;
  /** All that take calls, whether they have room or not. */
  connections(): readonly SocketConnection[];
  /** Connects no more, and picks nothing. */
  stop(): void;
}

/** The channel of a policy. */
export interface PolicyContext extends SubchannelContext {
  /** The policy's state may have changed. */
  policyChanged(): void;
  /** Looks the addresses up, unless that was done just now, and calls `update` and `connect` with what there is. */
  refresh(): void;
}
