/** Puts addresses in an order that chance makes: `shuffleAddressList`, gRFC A62. */
import type { Address } from "../resolver/address.js";
import { familiesInTurn } from "../resolver/families.js";

/** Each order is as likely as any other; then IPv6 and IPv4 take turns in it, and not before (gRFC A61). */
export function shuffledInTurn(addresses: readonly Address[]): Address[] {
  return familiesInTurn(shuffled(addresses), hostOf);
}

/** From the last to the second, each changes places with one of those up to it. */
function shuffled<T>(list: readonly T[]): T[] {
  const order = [...list];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Nothing for what has none, and so is of neither family. */
function hostOf({ to }: Address): string {
  return "host" in to ? to.host : "";
}
