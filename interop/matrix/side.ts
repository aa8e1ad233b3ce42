import type { Limitations, Role } from "../peers/peer.js";

/** One program that is client, server or both, with one transport and one library of messages. */
export interface Side {
  readonly name: string;
  /** What the pairs of sides without Trunkline are there for: to show that the peer itself is right. */
  readonly isTrunkline: boolean;
  readonly roles: readonly Role[];
  /** Cases that it cannot do, and which limitation of the peer is why, with a reference. */
  readonly limitations: { readonly [R in Role]: Limitations };
  /**
   * The command with the flags of the public description. A server says its port on stdout, as `port 50051`. A client runs
   * the cases that `--test_case=a,b` names, one after another, says `a: passed` of each or what did not hold, and exits
   * with 0 where all passed.
   */
  command(role: Role, flags: readonly string[]): readonly [string, ...string[]];
  /** Makes what the command needs, once; rejects with one line that says what is missing here, and how to install it. */
  prepare?(): Promise<void>;
}
