import { RpcError } from "../error.js";
import { identityOf } from "../identity.js";
import { Code } from "../status.js";

/** On a page, where the client says nothing. */
const usualResults = 100;
/** On a page, whatever the client says: with their traces, so many channels fit into a message of 4 MiB. */
const mostResults = 200;

export interface Page<One> {
  readonly page: One[];
  /** There are no more. */
  readonly end: boolean;
}

/**
 * Those of `all` from the identity `start` on, the lowest first. Whatever is there gets its identity now at the latest,
 * so that what comes between two pages is on a later one, and nothing that stays is missed.
 *
 * @param maxResults 0 for as many as are usual
 * @throws RpcError INVALID_ARGUMENT for a negative `maxResults`
 */
export function pageOf<One extends object>(all: Iterable<One>, start: bigint, maxResults: bigint): Page<One> {
  if (maxResults < 0n) {
    throw new RpcError(Code.INVALID_ARGUMENT, `max_results: must not be negative, as ${maxResults} is`);
  }
  const wanted = maxResults === 0n ? usualResults : Number(maxResults);
  const numbered = Array.from(all, (one) => ({ one, id: identityOf(one) }));
  const rest = numbered.filter(({ id }) => BigInt(id) >= start).sort((a, b) => a.id - b.id);
  const page = rest.slice(0, Math.min(wanted, mostResults));
  return { page: page.map(({ one }) => one), end: page.length === rest.length };
}
